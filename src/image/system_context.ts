import type { Fetch } from "../internal/mod.ts";
import type { Credentials } from "../spec/mod.ts";

/**
 * How to reach images: credentials, trust, choices. Go: `types.SystemContext`. Every member is optional, and an absent
 * one means that configuration files or defaults decide.
 */
export interface SystemContext {
  /** Architecture to choose from lists; default: the host's. */
  readonly architectureChoice?: string | undefined;
  /** Operating system to choose from lists; default: the host's. */
  readonly osChoice?: string | undefined;
  /** Variant to choose from lists; default: the host's, unless `architectureChoice` is given. */
  readonly variantChoice?: string | undefined;
  /**
   * Credentials for the registry of the call; for a push, the destination's. Overrides credential files; `{}` means
   * anonymous.
   */
  readonly dockerAuthConfig?: Credentials | undefined;
  /** Credentials by registry host or `host/repository`, for calls that touch several registries. */
  readonly credentials?: Readonly<Record<string, Credentials>> | undefined;
  /** A bearer token to send to that registry as it is, instead of asking for one. */
  readonly dockerBearerRegistryToken?: string | undefined;
  /** The only credential file to read. */
  readonly authFilePath?: string | undefined;
  /** Whether plain HTTP is fine where https does not work; default: `false`. */
  readonly dockerInsecureSkipTlsVerify?: boolean | undefined;
  /** `User-Agent` of requests. */
  readonly dockerRegistryUserAgent?: string | undefined;
  /** Replaces the global `fetch`: to reach a registry in this process, to log, to proxy. */
  readonly fetch?: Fetch | undefined;
}
