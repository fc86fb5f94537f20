import { copyImageWith, type TransferOptions } from "../../copy/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { pushList, type PushOptions, type PushResult } from "../../list/room.ts";
import type { Digest } from "../../spec/room.ts";
import {
  type DescribedImage,
  type DescribeImageOptions,
  describeImageWith,
  type ImageValidation,
  resolveImage,
  resolveSource,
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
 * `POLICY_REJECTED`; `NOT_FOUND`, `DIGEST_MISMATCH`, `SIZE_MISMATCH` or `INVALID_MANIFEST` if the source cannot be read;
 * `CANNOT_MODIFY` if a change is required but not allowed; `UNAUTHORIZED`, `DENIED`, `NETWORK`, `TOO_MANY_REQUESTS`,
 * `REGISTRY_ERROR` or `MANIFEST_REJECTED` if a registry fails.
 *
 * @example
 * ```ts
 * import { copyIndex, create } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import { acceptAnything } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const { digest } = await create().push("registry.example/app:1", { systemContext });
 * const options = { systemContext, signaturePolicy: acceptAnything };
 * const copied = await copyIndex("registry.example/app:1", "registry.example/copy:1", options);
 * assert.equal(copied.digest, digest);
 * ```
 */
export async function copyIndex(
  source: string | ImageReference,
  target: string | ImageReference,
  options: CopyIndexOptions = {},
): Promise<PushResult> {
  return await pushList({
    source: resolveSource(REMOTE_RUNTIME, source),
    destination: resolveImage(REMOTE_RUNTIME, target),
    platform: REMOTE_RUNTIME.host.platform,
    host: REMOTE_RUNTIME.host,
    options,
  }, copyImageWith);
}

/**
 * Describes an index, or an image: its platforms, sizes in bytes, layers and annotations.
 *
 * @throws {ManifestsError} With code `NOT_FOUND`, `UNAUTHORIZED`, `DENIED`, `NETWORK`, `TOO_MANY_REQUESTS` or
 * `REGISTRY_ERROR` if the image cannot be read; `DIGEST_MISMATCH` or `INVALID_MANIFEST` if its manifest is damaged.
 *
 * @example
 * ```ts
 * import { create, inspectIndex } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const { digest } = await create().push("registry.example/app:1", { systemContext });
 * assert.equal((await inspectIndex("registry.example/app:1", { systemContext })).digest, digest);
 * ```
 */
export async function inspectIndex(
  image: string | ImageReference,
  options: DescribeImageOptions = {},
): Promise<DescribedImage> {
  return await describeImageWith(REMOTE_RUNTIME, image, options);
}

/**
 * Checks an index: all manifests and blobs must exist, and platforms must be those of the images. Problems of the image
 * are in the result.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if there is no such image; `UNAUTHORIZED`, `DENIED`, `NETWORK`,
 * `TOO_MANY_REQUESTS` or `REGISTRY_ERROR` if the registry cannot be asked.
 *
 * @example
 * ```ts
 * import { create, validateIndex } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * const { problems } = await validateIndex("registry.example/app:1", { systemContext });
 * assert.deepEqual(problems, []);
 * ```
 */
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
 * @throws {ManifestsError} With code `NOT_FOUND` if there is no such image; `UNAUTHORIZED`, `DENIED`, `NETWORK`,
 * `TOO_MANY_REQUESTS`, `REGISTRY_ERROR` or `MANIFEST_REJECTED` if the registry refuses a request; `INVALID_REFERENCE` if
 * a tag is not valid.
 *
 * @example
 * ```ts
 * import { create, inspectIndex, retag } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1.2", { systemContext });
 * const digest = await retag("registry.example/app:1.2", ["1", "latest"], { systemContext });
 * assert.equal((await inspectIndex("registry.example/app:latest", { systemContext })).digest, digest);
 * ```
 */
export async function retag(
  image: string | ImageReference,
  tags: readonly string[],
  options: TagImageOptions = {},
): Promise<Digest> {
  return (await tagImageWith(REMOTE_RUNTIME, image, tags, options)).digest;
}
