import { checkNotBlocked, findRegistry, pullSources } from "../../config/mod.ts";
import { loadCertificates, loadCredentials, loadRegistriesConf } from "../../config/files/mod.ts";
import type { RegistryLookups } from "../../transport/docker/mod.ts";

/** What the files of this host say about registries. */
export const FILE_LOOKUPS: RegistryLookups = {
  async findCredentials(name, context) {
    return await loadCredentials(name, context, (await loadRegistriesConf(context)).credentialHelpers);
  },
  async findPullPlaces(reference, context) {
    return pullSources(await loadRegistriesConf(context), reference);
  },
  async findPlace(reference, context) {
    const conf = await loadRegistriesConf(context);
    checkNotBlocked(conf, reference);
    return { reference, insecure: findRegistry(conf, reference.name)?.insecure ?? false };
  },
  findCertificates: loadCertificates,
};
