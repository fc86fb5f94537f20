/** Kind of references that a mirror serves: all, only those with a digest, or only those with a tag. */
export type PullFromMirror = "all" | "digest-only" | "tag-only";

/** Mode for short names that may refer to several images (`short-name-mode`). */
export type ShortNameMode = "enforcing" | "permissive" | "disabled";

/** All modes for short names. */
export const SHORT_NAME_MODES: readonly string[] = ["enforcing", "permissive", "disabled"] satisfies ShortNameMode[];

/** A mirror of a registry. */
export interface RegistryMirror {
  /** Host with an optional path, which replaces the prefix. */
  readonly location: string;
  /** Whether plain HTTP and unverified TLS certificates are allowed. */
  readonly insecure: boolean;
  /** Kind of references that the mirror serves. */
  readonly pullFromMirror: PullFromMirror;
}

/** A `[[registry]]` table of `registries.conf`. */
export interface RegistryEntry {
  /** Prefix of the references to which the entry applies: a host, namespace, repository, or `*.domain`. */
  readonly prefix: string;
  /** Replacement for the prefix; empty to keep the reference unchanged. */
  readonly location: string;
  /** Whether plain HTTP and unverified TLS certificates are allowed. */
  readonly insecure: boolean;
  /** Whether the use of matching images is forbidden. */
  readonly blocked: boolean;
  /** Mirrors in the order in which they are tried. */
  readonly mirrors: readonly RegistryMirror[];
  /** Path of the file that contains the entry. */
  readonly file: string;
}

/** Content of a `registries.conf`, or of several merged ones. */
export interface RegistriesConf {
  /** Entries for registries. The matching entry with the longest prefix applies. */
  readonly registries: readonly RegistryEntry[];
  /** Registries to search for short names, in order. `undefined` if no file sets them. */
  readonly unqualifiedSearchRegistries?: readonly string[];
  /** Path of the file that sets `unqualifiedSearchRegistries`. */
  readonly unqualifiedSearchRegistriesFile?: string;
  /** Credential helpers in the order in which they are asked. `undefined` if no file sets them. */
  readonly credentialHelpers?: readonly string[];
  /** Mode for short names. `undefined` if no file sets it, which is equivalent to `permissive`. */
  readonly shortNameMode?: ShortNameMode;
  /** Program that receives the credentials for additional layer stores. `undefined` if no file sets it. */
  readonly additionalLayerStoreAuthHelper?: string;
  /** Repositories by short name. An empty repository removes an alias of a file with lower precedence. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Unknown keys with their files, which may be typing errors. */
  readonly unknownKeys: readonly string[];
  /** Paths of the files, in ascending order of precedence. */
  readonly files: readonly string[];
}
