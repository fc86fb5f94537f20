import { groupBy } from "../../internal/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { isTag, ManifestsError } from "../../spec/room.ts";
import { resolveImage, type Runtime } from "../runtime.ts";

/** The names to write in one repository. */
export interface TargetRepository {
  /** The repository, such as `quay.io/me/app`. */
  readonly name: string;
  /** The references in it, each once. */
  readonly references: readonly ImageReference[];
}

/**
 * Returns the references of all names to write, each once. A tag alone is in the repository of the first name.
 *
 * @throws {ManifestsError} With code `INVALID_REFERENCE`.
 */
export function resolveTargets(
  runtime: Runtime,
  target: string | ImageReference | undefined,
  tags: readonly (string | ImageReference)[],
): readonly ImageReference[] {
  if (target === undefined) return [];
  const first = resolveImage(runtime, target);
  const repository = assertInRegistry(first).name;
  const resolve = (tag: string | ImageReference) => {
    const isBare = typeof tag === "string" && isTag(tag);
    return resolveImage(runtime, isBare ? `docker://${repository}:${tag}` : tag);
  };
  const references = [first, ...tags.map(resolve)];
  references.forEach(assertInRegistry);
  return [...new Map(references.map((reference) => [String(reference), reference])).values()];
}

/** Groups references by repository, in the order of their first names. */
export function groupByRepository(references: readonly ImageReference[]): readonly TargetRepository[] {
  const groups = groupBy(references, (reference) => assertInRegistry(reference).name);
  return Array.from(groups, ([name, references]) => ({ name, references }));
}

function assertInRegistry(reference: ImageReference) {
  const { transport, dockerReference } = reference;
  if (transport === "docker" && dockerReference) return dockerReference;
  throw new ManifestsError("INVALID_REFERENCE", `Cannot write an index to ${reference}: it is not in a registry`);
}
