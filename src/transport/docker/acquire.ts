import type { SystemContext } from "../../image/room.ts";
import type { ClientLease, RegistryPool, Repository } from "../../registry/room.ts";
import type { Credentials, NamedReference } from "../../spec/room.ts";
import type { RegistryLookups, RegistryPlace } from "./lookups.ts";
import { DockerSignatures, type LookasideFiles } from "./signatures/mod.ts";

/** What the docker transport needs. */
export interface DockerTransportOptions extends RegistryLookups {
  /** Clients. */
  pool: RegistryPool;
  /** The files of lookaside directories; default: there are none. */
  lookasideFiles?: LookasideFiles | undefined;
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
    insecureTokenServices: context.insecureTokenServices,
    tls: context.fetch ? undefined : await options.findCertificates?.(domain, context),
    userAgent: context.dockerRegistryUserAgent,
    onWarning: context.onWarning,
    onRetry: context.onRetry,
    timeouts: { maxRetries: context.maxRetries, retryDelay: context.retryDelay },
    fetch: context.fetch,
  });
}

/** The signatures of a repository's images, in the place that is asked. */
export async function openSignatures(
  repository: Repository,
  { reference }: RegistryPlace,
  context: SystemContext,
  options: DockerTransportOptions,
): Promise<DockerSignatures> {
  const { dockerUseSigstoreAttachments: given, registryReferrersMode: referrersMode } = context;
  const storage = await options.findSignatureStorage?.(reference, context) ?? { attachments: false };
  return new DockerSignatures({
    repository,
    storage: { ...storage, attachments: given ?? storage.attachments, referrersMode },
    fetch: context.fetch ?? ((request) => fetch(request)),
    maxRetries: context.maxRetries,
    retryDelay: context.retryDelay,
    files: options.lookasideFiles,
  });
}

function findGiven(name: string, { credentials = {} }: SystemContext): Credentials | undefined {
  for (let at = name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
    if (Object.hasOwn(credentials, at)) return credentials[at];
  }
  return undefined;
}
