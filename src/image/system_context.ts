import type { Fetch } from "../internal/room.ts";
import type { Credentials, RegistryWarning, RetryEvent } from "../spec/room.ts";

/** How something is attached to an image in a registry. */
export type ReferrersMode = "legacy" | "oci-1-1";

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
  /** Version of the operating system to choose from lists, as in `10.0.20348.1`; default: any. */
  readonly osVersionChoice?: string | undefined;
  /** Features of the operating system that an instance chosen from a list must name; default: any. */
  readonly osFeaturesChoice?: readonly string[] | undefined;
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
  /** The only credential file to read, of Docker's format; not together with `authFilePath`. */
  readonly dockerCompatAuthFilePath?: string | undefined;
  /** The only credential file to read, of the format of `.dockercfg`. */
  readonly legacyFormatAuthFilePath?: string | undefined;
  /**
   * Folder with the certificates of the registry: `*.crt` of authorities, `*.cert` with `*.key` to show; default: as
   * `certs.d` has it.
   */
  readonly dockerCertPath?: string | undefined;
  /** Folder with a folder of certificates per `host[:port]`; default: `~/.config/containers/certs.d` and the system's. */
  readonly dockerPerHostCertDirPath?: string | undefined;
  /** The only `registries.conf` to read; default: the user's, else the system's. It must be there. */
  readonly systemRegistriesConfPath?: string | undefined;
  /** The only folder of drop-ins of `registries.conf`; default: the system's and the user's. */
  readonly systemRegistriesConfDirPath?: string | undefined;
  /** The file of short-name aliases that a person chose; default: where the real tools have it. */
  readonly userShortNameAliasConfPath?: string | undefined;
  /** What to do with short names that may mean several images; default: as `registries.conf` says, else `permissive`. */
  readonly shortNameMode?: "enforcing" | "permissive" | "disabled" | undefined;
  /** The only `policy.json`; default: the user's, else the system's. */
  readonly signaturePolicyPath?: string | undefined;
  /** The only folder of `registries.d`; default: the user's, else the system's. */
  readonly registriesDirPath?: string | undefined;
  /** What stands before the absolute paths of configuration that nobody named, such as `/etc/containers`. */
  readonly rootForImplicitAbsolutePaths?: string | undefined;
  /**
   * Whether plain HTTP, and a certificate that nobody vouches for, are fine where https does not work; default: as
   * `registries.conf` says of each place, else `false`.
   */
  readonly dockerInsecureSkipTlsVerify?: boolean | undefined;
  /**
   * Hosts, as in `auth.example:5001`, of token services that get credentials also over plain HTTP. Without it, only a
   * token service on the registry's own host does, and others are asked anonymously. Default: none.
   */
  readonly insecureTokenServices?: readonly string[] | undefined;
  /** Whether sigstore signatures are attached to images in registries; default: as registries.d says, else `false`. */
  readonly dockerUseSigstoreAttachments?: boolean | undefined;
  /**
   * How sigstore signatures are attached: `legacy` under a tag that is made of the digest, as all tools read them;
   * `oci-1-1` as referrers, as cosign does in the mode of that name. Both are read. Default: `legacy`.
   */
  readonly registryReferrersMode?: ReferrersMode | undefined;
  /** Told, once each, of what a registry wants to be shown to whoever uses it; default: nobody is. */
  readonly onWarning?: ((warning: RegistryWarning) => void) | undefined;
  /**
   * Called before a request to a registry is repeated because it failed for a reason that may pass. The steps of a copy
   * are repeated by the copy itself, which reports them to its `onProgress`. Default: nothing is reported.
   */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
  /** How often a request to a registry is repeated after a failure that may pass. Default: 3. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds before the first repetition of a request to a registry; doubles with each. Default: 1000. */
  readonly retryDelay?: number | undefined;
  /** `User-Agent` of requests. */
  readonly dockerRegistryUserAgent?: string | undefined;
  /**
   * The algorithm for layers that are compressed on the way: `gzip`, `zstd` or `zstd:chunked`. Default: `gzip`, and
   * layers that are compressed already stay as they are.
   */
  readonly compressionFormat?: string | undefined;
  /** Level of that compression; default: the algorithm's own. */
  readonly compressionLevel?: number | undefined;
  /** Folder of the blob-info cache; default: where the real tools have it. `""` keeps it in memory. */
  readonly blobInfoCacheDir?: string | undefined;
  /** Folder for temporary files that may be large; default: the system's. */
  readonly bigFilesTemporaryDir?: string | undefined;
  /** `dir:` destinations compress layers; default: layers stay as they are. */
  readonly dirForceCompress?: boolean | undefined;
  /** `dir:` destinations decompress layers; default: layers stay as they are. */
  readonly dirForceDecompress?: boolean | undefined;
  /** `oci:` destinations take layers without compression as they are; default: they are compressed. */
  readonly ociAcceptUncompressedLayers?: boolean | undefined;
  /** Folder of blobs that `oci:` layouts share, `<dir>/<algorithm>/<hex>`; default: each has its own. */
  readonly ociSharedBlobDirPath?: string | undefined;
  /** Further names that a `docker-archive:` destination gives its image, as `registry/repository:tag`. */
  readonly dockerArchiveAdditionalTags?: readonly string[] | undefined;
  /** Registries as destinations are not offered Docker schema 1; default: they are. */
  readonly dockerDisableDestSchema1MimeTypes?: boolean | undefined;
  /** Replaces the global `fetch`: to reach a registry in this process, to log, to proxy. */
  readonly fetch?: Fetch | undefined;
}
