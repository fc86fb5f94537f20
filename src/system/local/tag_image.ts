import type { ImageReference } from "../../image/room.ts";
import type { Digest } from "../../spec/room.ts";
import { type TagImageOptions, tagImageWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Adds tags to an image or a list in its repository. Only its manifest is sent.
 *
 * @returns Its digest.
 * @throws {ManifestsError} With code `INVALID_REFERENCE`, `NOT_FOUND`, `CONFLICT` if another writer moved a tag at the
 * same time, `UNAUTHORIZED`, `DENIED`, `NETWORK` or `REGISTRY_ERROR`. Tags that were written before remain.
 *
 * @example
 * ```ts
 * import { create, fetchManifest, tagImage } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1.0", { systemContext });
 * await tagImage("registry.example/app:1.0", ["1", "latest"], { systemContext });
 * assert.equal((await fetchManifest("registry.example/app:latest", { systemContext })).kind, "docker-list");
 * ```
 */
export async function tagImage(
  image: string | ImageReference,
  tags: readonly string[],
  options: TagImageOptions = {},
): Promise<Digest> {
  return (await tagImageWith(LOCAL_RUNTIME, image, tags, options)).digest;
}
