import type { ImageReference } from "../../image/room.ts";
import { describePlatforms, type PushResult } from "../../list/room.ts";
import { findPlatform, ManifestsError } from "../../spec/room.ts";
import {
  createAddition,
  createInstanceFinder,
  type EditRemoteListOptions,
  editRemoteListWith,
  type SourceOptions,
} from "../../actions/room.ts";
import { splitSourceOptions } from "./compose_index.ts";
import { REMOTE_RUNTIME } from "./runtime.ts";
import type { List } from "./list.ts";

/** Options for {@linkcode appendToIndex}, {@linkcode removeFromIndex} and {@linkcode annotateIndex}. */
export type EditIndexOptions = EditRemoteListOptions;

/**
 * Adds images to an index in a registry, at the same time as others do. Sources that are indexes contribute as they do
 * to {@linkcode composeIndex}. If the index has all of them already, as they would be added, nothing is written, and the
 * result is `unchanged`.
 *
 * A registry with conditional requests refuses all writers but one, and the others repeat their edits on what it left.
 * With any other registry, this function waits for slower writers after its write, looks whether its edit is still
 * there, and repeats it if not; see docs/registries.md, "Concurrent writers", for what is guaranteed.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if there is no index (see `create`), `CONFLICT` if other writers were
 * faster each time, `NOT_A_MANIFEST_LIST` if the image is not an index; `NO_MATCHING_PLATFORM`,
 * `PLATFORM_MISMATCH`, `DIGEST_MISMATCH` or `INVALID_MANIFEST` if a source does not fit or is damaged; `UNAUTHORIZED`,
 * `DENIED`, `NETWORK`, `TOO_MANY_REQUESTS`, `REGISTRY_ERROR` or `MANIFEST_REJECTED` if a registry fails.
 *
 * @example
 * ```ts
 * import { appendToIndex, create, inspectIndex } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * await appendToIndex("registry.example/app:1", [], { systemContext }); // such as ["registry.example/app:1-arm64"]
 * assert.equal((await inspectIndex("registry.example/app:1", { systemContext })).instances.length, 0);
 * ```
 */
export async function appendToIndex(
  image: string | ImageReference,
  sources: readonly (string | ImageReference)[],
  options: EditIndexOptions & SourceOptions = {},
): Promise<PushResult> {
  const [add, rest] = splitSourceOptions(options);
  const { edit, prepare } = createAddition(async (signal) => {
    const list = REMOTE_RUNTIME.createList();
    await list.addAll(sources, { ...add, signal });
    return list;
  });
  return await editRemoteListWith(REMOTE_RUNTIME, image, edit, { ...rest, prepare, ignoreOrder: true });
}

/**
 * Removes instances and their attestations from an index in a registry: each by its digest, or by its platform as in
 * `linux/arm64`, which also finds `linux/arm64/v8`, or `windows/amd64:10.0.20348.1`. A platform removes all instances
 * for it. Their manifests stay in the repository.
 *
 * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND` if the index has no such instance; `NOT_FOUND` if there is no
 * index, `NOT_A_MANIFEST_LIST` if the image is not an index, `CONFLICT` if other writers were faster each time;
 * `UNAUTHORIZED`, `DENIED`, `NETWORK`, `TOO_MANY_REQUESTS`, `REGISTRY_ERROR` or `MANIFEST_REJECTED` if the registry fails.
 *
 * @example
 * ```ts
 * import { create } from "@multiarch/manifests";
 * import { inspectIndex, removeFromIndex } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const list = create();
 * const digest = await list.addArtifact([]);
 * await list.push("registry.example/app:1", { systemContext });
 * await removeFromIndex("registry.example/app:1", [digest], { systemContext });
 * assert.equal((await inspectIndex("registry.example/app:1", { systemContext })).instances.length, 0);
 * ```
 */
export async function removeFromIndex(
  image: string | ImageReference,
  instances: readonly string[],
  options: EditIndexOptions = {},
): Promise<PushResult> {
  const find = createInstanceFinder(findInstances);
  return await editRemoteListWith(REMOTE_RUNTIME, image, async (list: List) => {
    const digests = await Promise.all(instances.map((instance) => find(list, instance)));
    list.removeWithAttestations(digests.flat());
  }, options);
}

/** Annotations that {@linkcode annotateIndex} sets, and the instances that get them. */
export interface IndexChange {
  /** Instances to annotate, by digest or by platform as in {@linkcode removeFromIndex}. Default: the index itself. */
  instance?: string | undefined;
  /** Annotations to set. Others that exist are kept. */
  annotations: Readonly<Record<string, string>>;
}

/**
 * Sets annotations of an index in a registry, or of an instance in it.
 *
 * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND` if the index has no such instance; `NOT_FOUND` if there is no
 * index, `NOT_A_MANIFEST_LIST` if the image is not an index, `CONFLICT` if other writers were faster each time;
 * `UNAUTHORIZED`, `DENIED`, `NETWORK`, `TOO_MANY_REQUESTS`, `REGISTRY_ERROR` or `MANIFEST_REJECTED` if the registry fails.
 *
 * @example
 * ```ts
 * import { annotateIndex, create, inspectIndex } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * const annotations = { "org.opencontainers.image.version": "1" };
 * await annotateIndex("registry.example/app:1", { annotations }, { systemContext });
 * assert.deepEqual((await inspectIndex("registry.example/app:1", { systemContext })).annotations, annotations);
 * ```
 */
export async function annotateIndex(
  image: string | ImageReference,
  { instance, annotations }: IndexChange,
  options: EditIndexOptions = {},
): Promise<PushResult> {
  return await editRemoteListWith(REMOTE_RUNTIME, image, (list: List) => {
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
  throw new ManifestsError(
    "INSTANCE_NOT_FOUND",
    `Cannot find instance ${JSON.stringify(instance)} in the index: ${describePlatforms(list)}`,
  );
}
