import type { SystemContext } from "../../image/mod.ts";
import type { ClientLease, RegistryPool } from "../../registry/mod.ts";
import type { Credentials, NamedReference } from "../../spec/mod.ts";
import type { RegistryLookups, RegistryPlace } from "./lookups.ts";

/** What the docker transport needs. */
export interface DockerTransportOptions extends RegistryLookups {
  /** Clients. */
  pool: RegistryPool;
}

/**
 * A client for a place.
 *
 * @param named The reference as the caller has it, whose registry the credentials of the context are for.
 */
export async function acquireClient(
  place: RegistryPlace,
  named: NamedReference,
  context: SystemContext,
  options: DockerTransportOptions,
): Promise<ClientLease> {
  const { domain, name } = place.reference;
  // What the caller gave for one registry is not told to a mirror elsewhere.
  const { dockerAuthConfig, dockerBearerRegistryToken } = domain === named.domain ? context : {};
  const { registryToken, ...credentials } = findGiven(name, context) ?? dockerAuthConfig ??
    await options.findCredentials?.(name, context) ?? {};
  return options.pool.acquire({
    host: domain,
    credentials: Object.keys(credentials).length > 0 ? credentials : undefined,
    bearerToken: registryToken ?? dockerBearerRegistryToken,
    insecure: context.dockerInsecureSkipTlsVerify ?? place.insecure,
    tls: context.fetch ? undefined : await options.findCertificates?.(domain, context),
    userAgent: context.dockerRegistryUserAgent,
    fetch: context.fetch,
  });
}

function findGiven(name: string, { credentials = {} }: SystemContext): Credentials | undefined {
  for (let at = name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
    if (Object.hasOwn(credentials, at)) return credentials[at];
  }
  return undefined;
}
