import { hasDomain, ManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import type { ShortNameAliases } from "./aliases.ts";
import type { RegistriesConf, ShortNameMode } from "./types.ts";

/** Options for {@linkcode resolveShortNameWith}. */
export interface ResolveShortNameWithOptions {
  /** Aliases that take precedence over those of the configuration. Default: none. */
  userAliases?: ShortNameAliases | undefined;
  /** Mode for names that may refer to several images. Default: the configured one, or else `permissive`. */
  mode?: ShortNameMode | undefined;
}

/** References to which a name may resolve. */
export interface ShortNameResolution {
  /** References in the order in which they are tried, with the tag `latest` if the name has neither tag nor digest. */
  readonly candidates: readonly NamedReference[];
  /** Origin of the candidates: the name itself has a host, an alias, or the registries to search. */
  readonly from: "name" | "alias" | "search";
}

/** Whether a name lacks a registry, such as `app` and `me/app`. */
export function isShortName(name: string): boolean {
  return !hasDomain(name);
}

/**
 * Resolves a name without a registry by a configuration: to the repository of an alias, or else to one candidate for
 * each registry to search.
 *
 * @throws {ManifestsError} With code `SHORT_NAME_UNRESOLVED` if neither an alias nor a registry to search is
 * configured, or if several registries are configured and the mode is `enforcing`, in which only a user can choose.
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
      file === undefined
        ? "no alias has this name, and no registries.conf lists registries to search"
        : `no alias has this name, and ${file} does not list registries to search`,
    );
  }
  const mode = options.mode ?? conf.shortNameMode ?? "permissive";
  if (mode === "enforcing" && searched.length > 1) {
    const registries = `${searched.length} registries (${searched.join(", ")})`;
    fail(name, `no alias has this name, and short-name-mode "enforcing" does not allow searching ${registries}`);
  }
  return { candidates: searched.map((host) => parseReference(`${host}/${name}`).withDefaultTag()), from: "search" };
}

/**
 * Returns the names under which a store may contain the image of a short name, in order of preference: its alias, then
 * `localhost`, then the registries to search.
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

/** Returns a reference to the repository with the tag or digest of the name. */
function inRepository(repository: string, { tag, digest }: NamedReference): NamedReference {
  let reference = parseReference(repository);
  if (tag !== undefined) reference = reference.withTag(tag);
  if (digest !== undefined) reference = reference.withDigest(digest);
  return reference.withDefaultTag();
}

function fail(name: string, problem: string): never {
  throw new ManifestsError(
    "SHORT_NAME_UNRESOLVED",
    `Cannot resolve short name ${JSON.stringify(name)}: ${problem}: add the registry to the name`,
  );
}
