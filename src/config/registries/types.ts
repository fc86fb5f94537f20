/** Which references a mirror serves: `all`, or only those with a digest, or only those with a tag. */
export type PullFromMirror = "all" | "digest-only" | "tag-only";

/** What to do with a short name that may mean several images (`short-name-mode`). */
export type ShortNameMode = "enforcing" | "permissive" | "disabled";

/** Every mode for short names. */
export const SHORT_NAME_MODES: readonly string[] = ["enforcing", "permissive", "disabled"] satisfies ShortNameMode[];

/** A mirror of a registry. */
export interface RegistryMirror {
  /** Host, with path where it has one, that replaces the prefix. */
  readonly location: string;
  /** Whether plain HTTP and certificates that nobody vouches for are fine. */
  readonly insecure: boolean;
  /** Which references it serves. */
  readonly pullFromMirror: PullFromMirror;
}

/** A `[[registry]]` of `registries.conf`. */
export interface RegistryEntry {
  /** Which references it is for: host, namespace, repository, or `*.domain`. */
  readonly prefix: string;
  /** What replaces the prefix; empty where the reference stays as it is. */
  readonly location: string;
  /** Whether plain HTTP and certificates that nobody vouches for are fine. */
  readonly insecure: boolean;
  /** Whether its images may not be used at all. */
  readonly blocked: boolean;
  /** Mirrors, best first. */
  readonly mirrors: readonly RegistryMirror[];
  /** The file that says so. */
  readonly file: string;
}

/** What a `registries.conf` says, or several of them together. */
export interface RegistriesConf {
  /** Registries; of two that match, the one with the longer prefix counts. */
  readonly registries: readonly RegistryEntry[];
  /** Registries in which short names are looked for, best first; `undefined` where no file says. */
  readonly unqualifiedSearchRegistries?: readonly string[];
  /** The file that names them. */
  readonly unqualifiedSearchRegistriesFile?: string;
  /** Where credentials come from, best first; `undefined` where no file says. */
  readonly credentialHelpers?: readonly string[];
  /** What to do with short names; `undefined` where no file says, which means `permissive`. */
  readonly shortNameMode?: ShortNameMode;
  /** Program that is told the credentials for additional layer stores; `undefined` where no file says. */
  readonly additionalLayerStoreAuthHelper?: string;
  /** Repositories by short name; an empty one removes an alias that another file made. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Keys, with their files, that mean nothing here: perhaps mistyped. */
  readonly unknownKeys: readonly string[];
  /** The files, in the order in which they count. */
  readonly files: readonly string[];
}
