import type { ImageReference } from "../../image/room.ts";
import { type ImageValidation, type ValidateImageOptions, validateImageWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Finds problems of an image or a list: manifests that are missing or differ from the list's entries, platforms that
 * contradict the configuration, two instances for one platform, attestations of images that are not in the list, missing
 * members that the specifications require, missing blobs, and, with `full`, blobs with wrong content. Layers at external
 * URLs that cannot be reached are reported as not checked.
 *
 * @throws {ManifestsError} With code `NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_MANIFEST`, `UNAUTHORIZED`, `DENIED`,
 * `NETWORK` or `REGISTRY_ERROR` if the manifest of the image or list itself cannot be read.
 *
 * @example
 * ```ts
 * import { create, validateImage } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * const list = create();
 * await list.addArtifact(["README.md"]);
 * assert.deepEqual((await validateImage(list.reference(), { full: true })).problems, []);
 * ```
 */
export async function validateImage(
  image: string | ImageReference,
  options: ValidateImageOptions = {},
): Promise<ImageValidation> {
  return await validateImageWith(LOCAL_RUNTIME, image, options);
}
