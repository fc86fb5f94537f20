import type { AddOptions } from "../../list/room.ts";
import { type ComposeIndexOptions, type ComposeResult, composeWith, type SourceOptions } from "../../actions/room.ts";
import { REMOTE_RUNTIME } from "./runtime.ts";

/**
 * Makes an index of images in registries and publishes it, in one call. A source that is an index contributes all of its
 * instances, attestations included, unless `platforms` or `attestations` leave some out. The sources are read
 * concurrently, with two requests for each. Images that a repository already has are not copied. Several names are one
 * call: the content is written to all repositories first, then each name, with one request. Names that already have the
 * index are not written: a repeated call writes nothing.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if a source does not exist, `PLATFORM_MISMATCH` or
 * `NO_MATCHING_PLATFORM` if its platform does not fit or one of `require` is missing, `DUPLICATE_PLATFORM` if two sources
 * have images for one platform, `DIGEST_MISMATCH` or `INVALID_MANIFEST` if a source is damaged; nothing is written then.
 * `SIGNATURES_HIDDEN` if `provenance` in a bundle would hide existing signatures; `CONFLICT`, see `ifMatch`;
 * `UNAUTHORIZED`, `DENIED`, `NETWORK`, `TOO_MANY_REQUESTS`, `REGISTRY_ERROR` or `MANIFEST_REJECTED` if a registry fails.
 * With several names, the error's `published` lists what was written ({@linkcode PublishedName}).
 * @throws {TypeError} If there is neither a target nor a tag, if `sources` is empty, or if an option must be an array and is not one.
 * @throws {RangeError} If `wait` or a number of retries is not a number of at least 0, or `order` has another value.
 *
 * @example
 * ```ts
 * import { composeIndex, create } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1-amd64", { systemContext }); // stands for an image
 * const pushed = await composeIndex({
 *   target: "registry.example/app:1",
 *   sources: ["registry.example/app:1-amd64"],
 *   annotations: { "org.opencontainers.image.version": "1" },
 *   systemContext,
 * });
 * assert.equal(pushed.mediaType, "application/vnd.oci.image.index.v1+json");
 * ```
 */
export async function composeIndex(options: ComposeIndexOptions): Promise<ComposeResult> {
  return await composeWith(REMOTE_RUNTIME, options);
}

/** Splits options into those for {@linkcode List.addAll} and all others. */
export function splitSourceOptions<T extends SourceOptions & Pick<AddOptions, "systemContext" | "signal">>(
  options: T,
): [add: AddOptions, rest: Omit<T, keyof SourceOptions>] {
  const { all = true, platforms, attestations, allowPlatformMismatch, onPlatformMismatch, ...rest } = options;
  const { systemContext, signal } = options;
  const add = { all, platforms, attestations, allowPlatformMismatch, onPlatformMismatch, systemContext, signal };
  return [add, rest];
}
