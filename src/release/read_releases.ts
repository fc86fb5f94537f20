import { createPlatform, findTransportName, hasDomain, parseReference, type Platform } from "../spec/room.ts";
import type { ValueOf } from "./document/rules.ts";
import { failAt, type Place, type TableTree, type Tree } from "./document/tree.ts";
import { isVersion } from "./latest.ts";
import type { RELEASE_FILE_RULE } from "./release_rules.ts";
import { expandTemplate } from "./template.ts";
import type { Release, ReleaseSource } from "./types.ts";

/** The content of a release file after its check. */
export type CheckedFile = ValueOf<typeof RELEASE_FILE_RULE>;
type CheckedRelease = CheckedFile["releases"][string];
type CheckedSource = NonNullable<CheckedRelease["sources"]>[number];
type Defaults = NonNullable<CheckedFile["defaults"]>;

/**
 * Applies the defaults of a checked file to its releases.
 *
 * @param tree The document, for the positions of errors.
 * @throws {ConfigFileError} If releases contradict themselves or each other.
 */
export function readReleases({ defaults = {}, releases }: CheckedFile, tree: Tree): Release[] {
  const owners = new Map<string, string>();
  return Object.entries(releases).map(([name, checked]) => {
    const at = findTree(tree, ["releases", name]) as TableTree;
    const release = readRelease(name, checked, defaults);
    assertLatest(release, at);
    for (const target of release.targets) {
      const owner = owners.get(target);
      if (owner !== undefined) failAt(at, `publishes ${target}, which is also a target of releases.${owner}`);
      owners.set(target, name);
    }
    return release;
  });
}

function readRelease(name: string, checked: CheckedRelease, defaults: Defaults): Release {
  const { annotations, registry, ...common } = defaults;
  const { digests, template, sources: _, targets: __, tags: ___, to: ____, ...own } = checked;
  const complete = (image: string) => completeName(image, registry);
  return {
    immutable: [],
    require: [],
    sign: [],
    ...common,
    ...own,
    name,
    targets: listTargets({ ...common, ...checked }, complete),
    sources: template
      ? template.platforms.map((expectedPlatform) => ({
        image: complete(expandTemplate(template.image, expectedPlatform)),
        expectedPlatform,
      }))
      : checked.sources?.map((source) => readSource(source, complete)) ?? [],
    digests: digests && { ...digests, repository: complete(digests.repository) },
    order: digests ? "platform" : "given",
    annotations: { ...annotations, ...checked.annotations },
  };
}

/** Completes a name that begins neither with a registry nor with a transport. */
function completeName(image: string, registry: string | undefined): string {
  if (registry === undefined || hasDomain(image) || findTransportName(image) !== undefined) return image;
  return `${registry}/${image}`;
}

/** Returns the names that the index gets, each once; with `latest: semver`, also `latest` in each repository. */
function listTargets(checked: CheckedRelease, complete: (image: string) => string): string[] {
  const { targets = [], tags = [], to = [], latest } = checked;
  const texts = [...targets.flatMap((target) => tags.map((tag) => `${target}:${tag}`)), ...to];
  const names = texts.map((text) => parseReference(complete(text)));
  const all = latest === "semver" ? [...names, ...names.map((name) => name.withTag("latest"))] : names;
  return [...new Set(all.map(String))];
}

function readSource(source: CheckedSource, complete: (image: string) => string): ReleaseSource {
  if (typeof source === "string") return { image: complete(source) };
  const { platform } = source;
  return {
    ...source,
    image: complete(source.image),
    platform: typeof platform === "object" ? readPlatform(platform) : platform,
  };
}

type CheckedPlatform = Exclude<Exclude<CheckedSource, string>["platform"], string | undefined>;

function readPlatform(platform: CheckedPlatform): Platform {
  const { "os.version": osVersion, "os.features": osFeatures, ...rest } = platform;
  return createPlatform({ ...rest, osVersion, osFeatures });
}

/** Checks that the setting for the tag `latest` fits the tags. */
function assertLatest({ latest, targets }: Release, at: TableTree): void {
  const tags = targets.map((target) => parseReference(target).tag!);
  if (latest === "semver" && !tags.some(isVersion)) {
    failAt(at.members.get("latest") ?? at, "is semver, which requires a tag that is a version, such as 1.2.3");
  }
  if (latest === "never" && tags.includes("latest")) {
    failAt(at.members.get("tags") ?? at.members.get("to") ?? at, 'contains "latest", but latest is never');
  }
}

/** Finds the position of a value; that of the innermost table that has it otherwise. */
export function findTree(tree: Tree, keys: readonly string[]): Place & Tree {
  let found = tree;
  for (const key of keys) {
    if (found.kind !== "table") break;
    found = found.members.get(key) ?? found;
  }
  return found;
}
