import { checkNotBlocked, findRegistry, pullSources } from "../../config/mod.ts";
import { loadCertificates, loadCredentials, loadRegistriesConf } from "../../config/files/mod.ts";
import type { ClientKey, FetchHandle, TlsIdentity } from "../../registry/mod.ts";
import { ManifestsError } from "../../spec/mod.ts";
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

/** A client per registry. HTTP/1.1, because `fetch` uploads over HTTP/2 at a hundredth of the speed. */
export function openFetch({ host, tls }: ClientKey): FetchHandle {
  const client = openClient(host, tls);
  return {
    fetch: (request) => fetch(request, { client }),
    close: () => client.close(),
  };
}

function openClient(host: string, { caCerts, cert, key }: TlsIdentity = { caCerts: [] }): Deno.HttpClient {
  const identity = cert !== undefined && key !== undefined ? { cert, key } : {};
  try {
    return Deno.createHttpClient({ http2: false, poolMaxIdlePerHost: 32, caCerts: [...caCerts], ...identity });
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new ManifestsError("CONFIG_FILE_INVALID", `Cannot use the certificates for ${host}: ${reason}`, { cause });
  }
}
