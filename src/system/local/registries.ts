import { fromFileUrl } from "@std/path";
import { assertNotBlocked, findRegistry, findSignatureStorage, pullSources } from "../../config/room.ts";
import {
  builtInLookaside,
  loadCertificates,
  loadCredentials,
  loadRegistriesConf,
  loadRegistriesD,
  mayRead,
} from "../../config/files/room.ts";
import { listNamespaces, type RegistryLookups } from "../../transport/docker/room.ts";

/** Looks up the settings of registries in the configuration files of this host. */
export const FILE_LOOKUPS: RegistryLookups = {
  async findCredentials(name, context) {
    return await loadCredentials(name, context, (await loadRegistriesConf(context)).credentialHelpers);
  },
  async findPullPlaces(reference, context) {
    return pullSources(await loadRegistriesConf(context), reference);
  },
  async findPlace(reference, context) {
    const conf = await loadRegistriesConf(context);
    assertNotBlocked(conf, reference);
    return { reference, insecure: findRegistry(conf, reference.name)?.insecure ?? false };
  },
  async findSignatureStorage(reference, context) {
    const conf = await loadRegistriesD(context);
    const found = findSignatureStorage(conf, [String(reference), ...listNamespaces(reference)]);
    // The built-in folder is used only if it may be read already: Deno must not prompt for a folder nobody configured.
    const usual = builtInLookaside();
    const builtIn = usual !== undefined && mayRead(fromFileUrl(usual)) ? usual : undefined;
    const [lookaside, lookasideStaging] = [found.read ?? builtIn, found.write ?? builtIn];
    return {
      lookaside: lookaside === undefined ? undefined : new URL(lookaside),
      lookasideStaging: lookasideStaging === undefined ? undefined : new URL(lookasideStaging),
      attachments: found.useSigstoreAttachments,
    };
  },
  findCertificates: loadCertificates,
};
