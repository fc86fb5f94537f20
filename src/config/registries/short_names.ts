import { hasDomain, ManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import type { ShortNameAliases } from "./aliases.ts";
import type { RegistriesConf, ShortNameMode } from "./types.ts";

/** Options for {@linkcode resolveShortNameWith}. */
export interface ResolveShortNameWithOptions {
  /** Aliases that count before those of the configuration. */
  userAliases?: ShortNameAliases | undefined;
  /** What to do with a name that may mean several images; default: as configured, else `permissive`. */
  mode?: ShortNameMode | undefined;
}

/** What a name may mean. */
export interface ShortNameResolution {
  /** References in the order in which they are tried, with `latest` where the name has neither tag nor digest. */
  readonly candidates: readonly NamedReference[];
  /** How they were found: the name had its host, an alias says so, or registries are searched. */
  readonly from: "name" | "alias" | "search";
}

/** Whether a name leaves its registry out, as `app` and `me/app` do. */
export function isShortName(name: string): boolean {
  return !hasDomain(name);
}

/**
 * The references that a name without a registry may mean: of an alias, else one per registry that is searched.
 *
 * @throws {ManifestsError} With code `SHORT_NAME_UNRESOLVED` where there is neither an alias nor a registry to search,
 * or several are to be searched where the mode is `enforcing`: then only a person can choose.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
 */
export function resolveShortNameWith(
  conf: RegistriesConf,
  name: string,
  options: ResolveShortNameWithOptions = {},
): ShortNameResolution {
  const named = parseReference(name);
  if (!isShortName(name)) return { candidates: [named.withDefaultTag()], from: "name" };
  const repository = findAlias(conf, name, options.userAliases);
  if (repository !== undefined) return { candidates: [inRepository(repository, named)], from: "alias" };
  const searched = conf.unqualifiedSearchRegistries ?? [];
  if (searched.length === 0) {
    const file = conf.unqualifiedSearchRegistriesFile ?? conf.files[0];
    fail(
      name,
      `it is no alias, and ${
        file === undefined ? "there is no registries.conf that says" : `${file} does not say`
      } in which registries to search`,
    );
  }
  const mode = options.mode ?? conf.shortNameMode ?? "permissive";
  if (mode === "enforcing" && searched.length > 1) {
    fail(name, `it is no alias, and short names that may mean several images are not tried in turn (enforcing)`);
  }
  return { candidates: searched.map((host) => parseReference(`${host}/${name}`).withDefaultTag()), from: "search" };
}

/**
 * The names under which a store may hold what a short name means, best first: its alias, `localhost`, then every
 * registry that is searched.
 */
export function localCandidates(
  conf: RegistriesConf,
  name: string,
  userAliases?: ShortNameAliases,
): readonly NamedReference[] {
  const named = parseReference(name);
  if (!isShortName(name)) return [named.withDefaultTag()];
  const repository = findAlias(conf, name, userAliases);
  const hosts = ["localhost", ...conf.unqualifiedSearchRegistries ?? []];
  return [
    ...(repository === undefined ? [] : [inRepository(repository, named)]),
    ...hosts.map((host) => parseReference(`${host}/${name}`).withDefaultTag()),
  ];
}

function findAlias(conf: RegistriesConf, name: string, userAliases?: ShortNameAliases): string | undefined {
  const key = name.replace(/@.*$/, "").replace(/:[^/]*$/, "");
  return userAliases?.get(key) || conf.aliases.get(key) || undefined;
}

/** The repository, with the tag or digest that the name has. */
function inRepository(repository: string, { tag, digest }: NamedReference): NamedReference {
  let reference = parseReference(repository);
  if (tag !== undefined) reference = reference.withTag(tag);
  if (digest !== undefined) reference = reference.withDigest(digest);
  return reference.withDefaultTag();
}

function fail(name: string, problem: string): never {
  throw new ManifestsError(
    "SHORT_NAME_UNRESOLVED",
    `Cannot resolve short name ${JSON.stringify(name)} as ${problem}: give the name with its registry`,
  );
}
