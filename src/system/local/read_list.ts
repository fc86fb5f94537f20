import type { ImageReference } from "../../image/room.ts";
import { type ReadList, type ReadListOptions, readListWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Reads a list from a registry or another place as one that can be edited and pushed; no store is involved. Its
 * instances keep all members of their entries; their places are recorded.
 *
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST` if it is an ordinary image; `NOT_FOUND`, `DIGEST_MISMATCH`,
 * `INVALID_MANIFEST`, `UNAUTHORIZED`, `DENIED`, `NETWORK` or `REGISTRY_ERROR` if it cannot be read.
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
