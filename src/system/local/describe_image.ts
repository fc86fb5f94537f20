import type { ImageReference } from "../../image/room.ts";
import { type DescribedImage, type DescribeImageOptions, describeImageWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Describes a list, with the layers of its instances. An instance that cannot be read has a `problem` instead.
 *
 * @throws {ManifestsError} With code `NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_MANIFEST`, `UNAUTHORIZED`, `DENIED`,
 * `NETWORK` or `REGISTRY_ERROR` if the list itself cannot be read.
 *
 * @example
 * ```ts
 * import { create, describeImage } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * const list = create();
 * await list.addArtifact(["README.md"], { artifactType: "application/vnd.example" });
 * const { instances } = await describeImage(list.reference());
 * assert.deepEqual(instances.map(({ artifactType }) => artifactType), ["application/vnd.example"]);
 * ```
 */
export async function describeImage(
  image: string | ImageReference,
  options: DescribeImageOptions = {},
): Promise<DescribedImage> {
  return await describeImageWith(LOCAL_RUNTIME, image, options);
}
