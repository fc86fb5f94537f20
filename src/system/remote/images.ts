import { copyImageWith } from "../../copy/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { pushList, type PushOptions, type PushResult, type TransferOptions } from "../../list/room.ts";
import type { Digest } from "../../spec/room.ts";
import {
  type DescribedImage,
  type DescribeImageOptions,
  describeImageWith,
  type ImageValidation,
  resolveImage,
  type TagImageOptions,
  tagImageWith,
  type ValidateImageOptions,
  validateImageWith,
} from "../../actions/room.ts";
import { REMOTE_RUNTIME } from "./runtime.ts";

/** Options for {@linkcode copyIndex}. */
export interface CopyIndexOptions extends TransferOptions, Pick<PushOptions, "imageListSelection" | "instances"> {}

/**
 * Copies an index with its instances, or an image, from one registry or repository to another. Digests do not change,
 * unless an option requires it.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING` without `signaturePolicy`, which has no default here;
 * `POLICY_REJECTED`; and the codes of {@linkcode ManifestList.push}.
 */
export async function copyIndex(
  source: string | ImageReference,
  target: string | ImageReference,
  options: CopyIndexOptions = {},
): Promise<PushResult> {
  return await pushList({
    source: resolveImage(REMOTE_RUNTIME, source),
    destination: resolveImage(REMOTE_RUNTIME, target),
    platform: REMOTE_RUNTIME.host.platform,
    host: REMOTE_RUNTIME.host,
    options,
  }, copyImageWith);
}

/** Describes an index, or an image: its platforms, sizes, layers and annotations. */
export async function inspectIndex(
  image: string | ImageReference,
  options: DescribeImageOptions = {},
): Promise<DescribedImage> {
  return await describeImageWith(REMOTE_RUNTIME, image, options);
}

/** Checks an index: all manifests and blobs must exist, and platforms must be those of the images. */
export async function validateIndex(
  image: string | ImageReference,
  options: ValidateImageOptions = {},
): Promise<ImageValidation> {
  return await validateImageWith(REMOTE_RUNTIME, image, options);
}

/**
 * Adds tags to an index or an image in its repository. Only its manifest is sent.
 *
 * @returns The digest of the index or image.
 */
export async function retag(
  image: string | ImageReference,
  tags: readonly string[],
  options: TagImageOptions = {},
): Promise<Digest> {
  return (await tagImageWith(REMOTE_RUNTIME, image, tags, options)).digest;
}
