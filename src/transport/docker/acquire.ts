import type { SystemContext } from "../../image/room.ts";
import type { ClientLease, RegistryPool, Repository } from "../../registry/room.ts";
import type { Credentials, NamedReference } from "../../spec/room.ts";
import type { RegistryLookups, RegistryPlace } from "./lookups.ts";
import type { DockerSignatures, LookasideFiles } from "./signatures/mod.ts";

/** Options for {@linkcode createDockerTransport}. */
export interface DockerTransportOptions extends RegistryLookups {
  /** Pool from which clients of registries are acquired. */
  pool: RegistryPool;
  /** Files of lookaside directories. Default: none, so `file:` lookasides are ignored. */
  lookasideFiles?: LookasideFiles | undefined;
}

/**
 * Acquires a client for a place.
 *
 * @param named Reference as the caller gave it. The credentials of the context are for its registry.
 */
export async function acquireClient(
  place: RegistryPlace,
  named: NamedReference,
  context: SystemContext,
  options: DockerTransportOptions,
): Promise<ClientLease> {
  const { domain, name } = place.reference;
  // Credentials for the caller's registry must not be sent to a mirror on another host.
  const { dockerAuthConfig, dockerBearerRegistryToken } = domain === named.domain ? context : {};
  const { registryToken, ...credentials } = findGivenCredentials(name, context) ?? dockerAuthConfig ??
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

/** Opens the signatures of a repository's images in a place. The code that reads and writes them is loaded now. */
export async function openSignatures(
  repository: Repository,
  { reference }: RegistryPlace,
  context: SystemContext,
  options: DockerTransportOptions,
): Promise<DockerSignatures> {
  const { dockerUseSigstoreAttachments, registryReferrersMode: referrersMode } = context;
  const storage = await options.findSignatureStorage?.(reference, context) ?? { attachments: false };
  const { DockerSignatures } = await import("./signatures/mod.ts");
  return new DockerSignatures({
    repository,
    storage: { ...storage, attachments: dockerUseSigstoreAttachments ?? storage.attachments, referrersMode },
    fetch: context.fetch ?? ((request) => fetch(request)),
    maxRetries: context.maxRetries,
    retryDelay: context.retryDelay,
    files: options.lookasideFiles,
  });
}

/** Finds the credentials that the caller gave for a repository or the closest namespace above it. */
function findGivenCredentials(name: string, { credentials = {} }: SystemContext): Credentials | undefined {
  for (let at = name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
    if (Object.hasOwn(credentials, at)) return credentials[at];
  }
  return undefined;
}
