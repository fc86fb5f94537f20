import type { Fetch } from "../internal/room.ts";
import type { Credentials, RegistryWarning, RetryEvent } from "../spec/room.ts";

/** How signatures are attached to an image in a registry. */
export type ReferrersMode = "legacy" | "oci-1-1";

/**
 * Settings for access to images: credentials, certificates, configuration files, the platform to choose. Every member is
 * optional; if one is absent, configuration files or defaults apply. Go: `types.SystemContext`.
 */
export interface SystemContext {
  /** Architecture to choose from lists; default: the host's. */
  readonly architectureChoice?: string | undefined;
  /** Operating system to choose from lists; default: the host's. */
  readonly osChoice?: string | undefined;
  /** Variant to choose from lists; default: the host's, unless `architectureChoice` is given. */
  readonly variantChoice?: string | undefined;
  /** Version of the operating system to choose from lists, as in `10.0.20348.1`; default: any version. */
  readonly osVersionChoice?: string | undefined;
  /** Features of the operating system that an instance chosen from a list must have; default: none. */
  readonly osFeaturesChoice?: readonly string[] | undefined;
  /**
   * Credentials for the registry of the call; for a push, the destination's. `{}` means anonymous. Default: those of the
   * credential files. An entry of `credentials` for the registry has precedence.
   */
  readonly dockerAuthConfig?: Credentials | undefined;
  /**
   * Credentials by registry host or `host/repository`, for calls that use several registries. Default: those of the
   * credential files.
   */
  readonly credentials?: Readonly<Record<string, Credentials>> | undefined;
  /** A bearer token for the registry of the call, sent unchanged instead of requesting one. Default: none. */
  readonly dockerBearerRegistryToken?: string | undefined;
  /** The only credential file to read. Default: the files in docs/configuration.md, "Credentials". */
  readonly authFilePath?: string | undefined;
  /** As `authFilePath`, for a file in Docker's format; not together with `authFilePath`. Default: as `authFilePath`. */
  readonly dockerCompatAuthFilePath?: string | undefined;
  /** As `authFilePath`, for a file in the format of `.dockercfg`. Default: as `authFilePath`. */
  readonly legacyFormatAuthFilePath?: string | undefined;
  /**
   * Folder with the certificates of the registry: `*.crt` of trusted authorities, `*.cert` with `*.key` of the client.
   * Default: the registry's folder in `certs.d`.
   */
  readonly dockerCertPath?: string | undefined;
  /** Folder with a subfolder of certificates per `host[:port]`; default: `~/.config/containers/certs.d` and the system's. */
  readonly dockerPerHostCertDirPath?: string | undefined;
  /** The only `registries.conf` to read, which must exist; default: the user's, else the system's. */
  readonly systemRegistriesConfPath?: string | undefined;
  /** The only folder of drop-in files of `registries.conf`; default: the system's and the user's. */
  readonly systemRegistriesConfDirPath?: string | undefined;
  /** The file of short-name aliases that the user chose; default: the file that podman and buildah use. */
  readonly userShortNameAliasConfPath?: string | undefined;
  /** How ambiguous short names are resolved; default: `short-name-mode` of `registries.conf`, else `permissive`. */
  readonly shortNameMode?: "enforcing" | "permissive" | "disabled" | undefined;
  /** The only `policy.json` to read; default: the user's, else the system's. */
  readonly signaturePolicyPath?: string | undefined;
  /** The only `registries.d` folder to read; default: the user's, else the system's. */
  readonly registriesDirPath?: string | undefined;
  /** Folder that is prepended to the default absolute paths of configuration, such as `/etc/containers`; default: none. */
  readonly rootForImplicitAbsolutePaths?: string | undefined;
  /**
   * Fall back to plain HTTP, and accept untrusted certificates, if HTTPS does not work. Default: the `insecure` setting
   * of the registry in `registries.conf`, else `false`.
   */
  readonly dockerInsecureSkipTlsVerify?: boolean | undefined;
  /**
   * Hosts, as in `auth.example:5001`, of token services that receive credentials even over plain HTTP. Over plain HTTP,
   * any other token service that is not on the registry's own host is asked anonymously. Default: none.
   */
  readonly insecureTokenServices?: readonly string[] | undefined;
  /** Attach sigstore signatures to images in registries; default: the setting of `registries.d`, else `false`. */
  readonly dockerUseSigstoreAttachments?: boolean | undefined;
  /**
   * How sigstore signatures are attached: `legacy` under a tag that is derived from the digest, which all tools read;
   * `oci-1-1` as referrers, like cosign's mode of that name. Both are read. Default: `legacy`.
   */
  readonly registryReferrersMode?: ReferrersMode | undefined;
  /** Called once for each different warning that a registry sends to its users; default: warnings are dropped. */
  readonly onWarning?: ((warning: RegistryWarning) => void) | undefined;
  /**
   * Called before a request to a registry is retried after a temporary failure. A copy retries its steps itself and
   * reports that to its `onProgress`. Default: nothing is reported.
   */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined;
  /** Maximum number of retries of a request to a registry after a temporary failure. Default: 3. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds before the first retry of a request to a registry; doubles with each retry. Default: 1000. */
  readonly retryDelay?: number | undefined;
  /** `User-Agent` header of requests to registries; default: this module's name and version. */
  readonly dockerRegistryUserAgent?: string | undefined;
  /**
   * The algorithm for layers that are compressed during a copy: `gzip`, `zstd` or `zstd:chunked`. Default: `gzip` for
   * uncompressed layers, and compressed layers stay as they are.
   */
  readonly compressionFormat?: string | undefined;
  /** Level of that compression: 0-9 for `gzip`, 1-22 for `zstd`; default: the default of the algorithm. */
  readonly compressionLevel?: number | undefined;
  /** Folder of the blob-info cache; default: the folder that podman and buildah use. `""` keeps the cache in memory. */
  readonly blobInfoCacheDir?: string | undefined;
  /** Folder for large temporary files; default: the system's folder for temporary files. */
  readonly bigFilesTemporaryDir?: string | undefined;
  /** Compress layers for `dir:` destinations; default: layers stay as they are. */
  readonly dirForceCompress?: boolean | undefined;
  /** Decompress layers for `dir:` destinations; default: layers stay as they are. */
  readonly dirForceDecompress?: boolean | undefined;
  /** Write uncompressed layers to `oci:` destinations as they are; default: they are compressed. */
  readonly ociAcceptUncompressedLayers?: boolean | undefined;
  /** Folder of blobs that `oci:` layouts share, `<dir>/<algorithm>/<hex>`; default: each layout has its own. */
  readonly ociSharedBlobDirPath?: string | undefined;
  /** Additional names for the image in a `docker-archive:` destination, as `registry/repository:tag`; default: none. */
  readonly dockerArchiveAdditionalTags?: readonly string[] | undefined;
  /**
   * Address of the daemon for `docker-daemon:`: `unix:///PATH`, `tcp://HOST:PORT` (with TLS) or `http://HOST:PORT`. Default:
   * `DOCKER_HOST`, else Docker's current context, else `unix:///var/run/docker.sock`.
   */
  readonly dockerDaemonHost?: string | undefined;
  /** Folder with `ca.pem`, `cert.pem` and `key.pem` for `dockerDaemonHost`. Default: no certificate of the client. */
  readonly dockerDaemonCertPath?: string | undefined;
  /** Never write Docker schema 1 manifests to registries; default: written if a registry rejects the newer types. */
  readonly dockerDisableDestSchema1MimeTypes?: boolean | undefined;
  /** Replaces the global `fetch`, for example to use a registry in this process, a log or a proxy. Default: the global one. */
  readonly fetch?: Fetch | undefined;
}
