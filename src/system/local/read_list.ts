import type { ImageReference } from "../../image/room.ts";
import { type ReadList, type ReadListOptions, readListWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Reads a list from a registry or another place as one that can be edited and pushed; no store is involved. Its
 * instances, with everything that their entries say, are recorded where they were found.
 *
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST` where it is an ordinary image; `NOT_FOUND` and others.
 *
 * @example
 * ```ts
 * import { create, readList } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const original = create();
 * const artifact = await original.addArtifact([]);
 * await original.push("registry.example/app:1", { systemContext });
 * const { list } = await readList("registry.example/app:1", { systemContext });
 * assert.deepEqual(list.instances(), [artifact]);
 * ```
 */
export async function readList(
  image: string | ImageReference,
  options: ReadListOptions = {},
): Promise<ReadList> {
  return await readListWith(LOCAL_RUNTIME, image, options);
}
