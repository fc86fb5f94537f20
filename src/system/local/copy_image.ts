import {
  copyImageWith,
  type CopyOutline,
  type CopyResult,
  limitCredentials,
  outlineCopyWith,
  type TransferOptions,
} from "../../copy/room.ts";
import type { ImageReference, SystemContext } from "../../image/room.ts";
import { type ListPush, pushList, wantedPlatform } from "../../list/room.ts";
import {
  type Digest,
  isIndex,
  ManifestsError,
  narrowEntries,
  type NarrowOptions,
  parsePlatform,
} from "../../spec/room.ts";
import { ContainersStorageReference } from "../../transport/containers_storage/room.ts";
import { LOCAL_HOST } from "./host.ts";
import { fetchManifest } from "./fetch_manifest.ts";
import { parseImageName } from "./list.ts";
import { readList } from "./read_list.ts";

/** Options for {@linkcode copyImage}. */
export interface CopyImageOptions extends TransferOptions {
  /**
   * Platforms of the instances of a list to copy, such as `linux/arm64`, which also selects its variants, or
   * `windows/amd64:10.0.20348.1`. The attestations of these instances are copied too. A local store
   * (`containers-storage:`) takes at most one platform. Default: all instances; for a local store, that of this host.
   */
  platforms?: readonly string[] | undefined;
  /**
   * Copy the attestations of a list's images. If `false`, a list with attestations is rewritten without them.
   *
   * @default {true}
   */
  attestations?: boolean | undefined;
}

/**
 * Copies an image, or a list with its instances, from any place to any other. Digests do not change, unless the
 * destination or an option requires it. With `platforms`, the list is rewritten with the selected instances; the
 * signatures of a signed list would not match, so that it also requires `removeListSignatures`. `signaturePolicy`, by
 * default the `policy.json` of this host, decides which images may be copied.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM` or `INVALID_PLATFORM` if `platforms` does not fit;
 * `POLICY_MISSING` or `POLICY_REJECTED`; `NOT_FOUND`, `DIGEST_MISMATCH`, `SIZE_MISMATCH` or `INVALID_MANIFEST` if the
 * source cannot be read; `CANNOT_MODIFY`, `CONVERSION_NOT_SUPPORTED` or `SIGNATURES_NOT_SUPPORTED` if the destination
 * requires a change that is not allowed or possible; `UNAUTHORIZED`, `DENIED`, `NETWORK`, `REGISTRY_ERROR`,
 * `MANIFEST_REJECTED` or `TRANSPORT_IO` if a registry or disk fails.
 *
 * @example
 * ```ts
 * import { copyImage, create } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import { acceptAnything } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const { digest } = await create().push("registry.example/app:1", { systemContext });
 * const copied = await copyImage("registry.example/app:1", "registry.example/copy:1", {
 *   systemContext,
 *   signaturePolicy: acceptAnything,
 * });
 * assert.equal(copied.digest, digest);
 * ```
 */
export async function copyImage(
  source: string | ImageReference,
  destination: string | ImageReference,
  options: CopyImageOptions = {},
): Promise<CopyResult> {
  return await pushList(await prepare(source, destination, options), copyImageWith);
}

/**
 * Returns what {@linkcode copyImage} would do: which images and blobs would be copied. Manifests are read and the
 * destination is asked for existing blobs; nothing is changed.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM` or `INVALID_PLATFORM` if `platforms` does not fit;
 * `POLICY_MISSING` or `POLICY_REJECTED`; `NOT_FOUND`, `DIGEST_MISMATCH`, `SIZE_MISMATCH` or `INVALID_MANIFEST` if the
 * source cannot be read; `CANNOT_MODIFY`, `CONVERSION_NOT_SUPPORTED` or `SIGNATURES_NOT_SUPPORTED` if the destination
 * requires a change that is not allowed or possible; `UNAUTHORIZED`, `DENIED`, `NETWORK`, `REGISTRY_ERROR`,
 * `MANIFEST_REJECTED` or `TRANSPORT_IO` if a registry or disk fails.
 *
 * @example
 * ```ts
 * import { create, outlineImageCopy } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import { acceptAnything } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * const outline = await outlineImageCopy("registry.example/app:1", "registry.example/copy:1", {
 *   systemContext,
 *   signaturePolicy: acceptAnything,
 * });
 * assert.deepEqual(outline.images, []);
 * ```
 */
export async function outlineImageCopy(
  source: string | ImageReference,
  destination: string | ImageReference,
  options: CopyImageOptions = {},
): Promise<CopyOutline> {
  return await pushList(await prepare(source, destination, options), outlineCopyWith);
}

async function prepare(
  source: string | ImageReference,
  destination: string | ImageReference,
  { platforms = [], attestations = true, ...options }: CopyImageOptions,
): Promise<ListPush> {
  const resolve = (image: string | ImageReference) => typeof image === "string" ? parseImageName(image) : image;
  const [from, to] = [resolve(source), resolve(destination)];
  // The caller's credentials for one side must not be sent to the other.
  const { sourceContext, systemContext = {} } = options;
  const reading = sourceContext ? limitCredentials(sourceContext, from) : limitCredentials(systemContext, to);
  const intoStore = to instanceof ContainersStorageReference;
  // A local store holds single images: by default, or with one platform, the image for it is chosen from a list.
  if (intoStore && platforms.length <= 1) {
    const platform = platforms[0] === undefined ? undefined : parsePlatform(platforms[0]);
    return {
      source: from,
      destination: to,
      platform: platform ?? wantedPlatform(LOCAL_HOST.platform, systemContext),
      host: LOCAL_HOST,
      options: { ...options, imageListSelection: "system", ...(sourceContext ? { sourceContext: reading } : {}) },
    };
  }
  const narrowing = { name: String(from), platforms: platforms.map(parsePlatform), attestations };
  const narrows = platforms.length > 0 || !attestations && await isList(from, reading, options);
  return {
    source: narrows ? await choose(from, narrowing, reading, options) : from,
    destination: to,
    platform: LOCAL_HOST.platform,
    host: LOCAL_HOST,
    options: { ...options, ...(sourceContext ? { sourceContext: reading } : {}) },
  };
}

/** Returns a reference to a list of the selected instances; `from` itself if all instances are selected. */
async function choose(
  from: ImageReference,
  narrowing: NarrowOptions,
  systemContext: SystemContext,
  options: CopyImageOptions,
): Promise<ImageReference> {
  const { signal, removeSignatures, removeListSignatures } = options;
  const { list, digest } = await readList(from, { systemContext, signal });
  const kept = new Set(narrowEntries(list.ociV1().manifests ?? [], narrowing).map(({ digest }) => digest));
  const others = new Set(list.instances()).difference(kept);
  if (others.size === 0) return from;
  if (!removeSignatures && !removeListSignatures) await assertUnsigned(from, digest, { systemContext, signal });
  for (const digest of others) list.remove(digest);
  return list.reference();
}

async function isList(
  from: ImageReference,
  systemContext: SystemContext,
  { signal }: CopyImageOptions,
): Promise<boolean> {
  return isIndex(await fetchManifest(from, { systemContext, signal }));
}

/** Throws `CANNOT_MODIFY` if the list is signed: its signatures do not match a list of some of its instances. */
async function assertUnsigned(
  from: ImageReference,
  digest: Digest,
  { systemContext, signal }: Pick<CopyImageOptions, "systemContext" | "signal">,
): Promise<void> {
  await using source = await from.openSource(systemContext);
  const signatures = await source.getSignatures?.({ digest, isInstance: false }, { signal }) ?? [];
  if (signatures.length === 0) return;
  const removal = "use removeListSignatures (--remove-list-signatures) to copy it without its signatures";
  throw new ManifestsError("CANNOT_MODIFY", `Cannot copy some images of ${from}: the list is signed: ${removal}`);
}
