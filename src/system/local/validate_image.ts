import type { ImageReference } from "../../image/room.ts";
import { type ImageValidation, type ValidateImageOptions, validateImageWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Looks for what is wrong with an image or a list: manifests that are missing or not what the list says, platforms that
 * contradict the configuration, two instances for one platform, attestations of images that are not in the list, members
 * that the specifications require, blobs that are missing, and with `full` blobs whose content is wrong. Layers that live
 * at URLs of their own and cannot be reached are reported as not checked.
 *
 * @throws {ManifestsError} Where the image's own manifest cannot be read.
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
