import { delay } from "@std/async";
import type { ImageReference } from "../../image/room.ts";
import type { PushResult } from "../../list/room.ts";
import { type Digest, findPlatform, ManifestsError } from "../../spec/room.ts";
import {
  type EditRemoteListOptions,
  editRemoteListWith,
  holdRegistry,
  readListWith,
  resolveImage,
} from "../../actions/room.ts";
import { type SourceOptions, splitSourceOptions } from "./compose_index.ts";
import { REMOTE_KIT } from "./kit.ts";
import type { List } from "./list.ts";

/** Options for {@linkcode appendToIndex}, {@linkcode removeFromIndex} and {@linkcode annotateIndex}. */
export type EditIndexOptions = EditRemoteListOptions;

/** How often an addition that somebody else wrote over is made again. */
const MAX_OVERWRITTEN = 64;
/** How long others may have been looking at the index before it was written, as a multiple of what our own edit took. */
const SETTLE_FACTOR = 3;
/** Milliseconds that are waited for them, at least and at most. */
const SETTLE = [50, 2000] as const;

/**
 * Adds images to an index in a registry; sources that are indexes contribute as they do to {@linkcode composeIndex}. Others may do the same at the same time: a registry with conditional requests
 * refuses all but one, who tries again on what the others left; with other registries, it is looked a little later
 * whether the addition is still there, and made again where it is not.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` where there is no index (see `create`), `CONFLICT` where others were
 * faster time and again.
 *
 * @example
 * ```ts
 * import { appendToIndex, composeIndex, inspectIndex } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await composeIndex({ target: "registry.example/app:1", sources: [], systemContext });
 * await appendToIndex("registry.example/app:1", [], { systemContext }); // such as ["registry.example/app:1-arm64"]
 * assert.equal((await inspectIndex("registry.example/app:1", { systemContext })).instances.length, 0);
 * ```
 */
export async function appendToIndex(
  image: string | ImageReference,
  sources: readonly (string | ImageReference)[],
  options: EditIndexOptions & SourceOptions = {},
): Promise<PushResult> {
  const [add, edit] = splitSourceOptions(options);
  await using _held = await holdRegistry(resolveImage(REMOTE_KIT, image), edit.systemContext);
  for (let attempt = 1;; attempt++) {
    let added: Digest[] = [];
    const began = performance.now();
    const result = await editRemoteListWith(REMOTE_KIT, image, async (list: List) => {
      added = await list.addAll(sources, add);
    }, edit);
    if (await isStillThere(image, added, performance.now() - began, edit)) return result;
    if (attempt < MAX_OVERWRITTEN) continue;
    throw new ManifestsError("CONFLICT", `Cannot add to ${image} as others write over it, ${attempt} times now`);
  }
}

/** Who looked before we wrote may write after it, where the registry does not prevent that. */
async function isStillThere(
  image: string | ImageReference,
  added: readonly Digest[],
  took: number,
  { systemContext, signal }: EditIndexOptions,
): Promise<boolean> {
  if (added.length === 0) return true;
  await delay(Math.min(Math.max(took * SETTLE_FACTOR, SETTLE[0]), SETTLE[1]), signal ? { signal } : {});
  const { list } = await readListWith(REMOTE_KIT, image, { systemContext, signal });
  const there = new Set(list.instances());
  return added.every((digest) => there.has(digest));
}

/**
 * Removes instances and their attestations from an index in a registry: each by its digest, or by its platform as in
 * `linux/arm64`, which also finds `linux/arm64/v8`, or `windows/amd64:10.0.20348.1`. A platform removes all instances
 * that it means. Their manifests stay in the repository.
 *
 * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND`, and as {@linkcode appendToIndex}.
 */
export async function removeFromIndex(
  image: string | ImageReference,
  instances: readonly string[],
  options: EditIndexOptions = {},
): Promise<PushResult> {
  return await editRemoteListWith(REMOTE_KIT, image, (list: List) => {
    list.removeWithAttestations(instances.flatMap((instance) => findInstances(list, instance)));
  }, options);
}

/** What {@linkcode annotateIndex} changes. */
export interface IndexChange {
  /** The instances, by digest or by platform, as {@linkcode removeFromIndex} takes them; default: the index itself. */
  instance?: string | undefined;
  /** Annotations to set. */
  annotations: Readonly<Record<string, string>>;
}

/**
 * Sets annotations of an index in a registry, or of an instance in it.
 *
 * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND`, and as {@linkcode appendToIndex}.
 */
export async function annotateIndex(
  image: string | ImageReference,
  { instance, annotations }: IndexChange,
  options: EditIndexOptions = {},
): Promise<PushResult> {
  return await editRemoteListWith(REMOTE_KIT, image, (list: List) => {
    const targets = instance === undefined ? [undefined] : findInstances(list, instance);
    for (const digest of targets) list.setAnnotations(digest, annotations);
  }, options);
}

/** The instances that a digest or a platform means. */
function findInstances(list: List, instance: string): string[] {
  if (list.instances().some((digest) => digest === instance)) return [instance];
  const platform = findPlatform(instance);
  const found = platform ? list.instancesFor(platform) : [];
  if (found.length > 0) return found;
  throw new ManifestsError("INSTANCE_NOT_FOUND", `Cannot find instance ${JSON.stringify(instance)} in the index`);
}
