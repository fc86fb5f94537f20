import {
  copyImageWith,
  type CopyOutline,
  type CopyResult,
  limitCredentials,
  outlineCopyWith,
  type TransferOptions,
} from "../../copy/room.ts";
import { type ImageReference, type SystemContext, type VerifiedManifest, withManifest } from "../../image/room.ts";
import { type ListPush, pushList, wantedPlatform } from "../../list/room.ts";
import {
  type Digest,
  isIndex,
  ManifestsError,
  narrowEntries,
  type NarrowOptions,
  parsePlatform,
  type Platform,
} from "../../spec/room.ts";
import { readManifestWith, resolveImage, resolveSource, withChosenManifest } from "../../actions/room.ts";
import { LOCAL_HOST } from "./host.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/** Options for {@linkcode copyImage}. */
export interface CopyImageOptions extends TransferOptions {
  /**
   * Platforms of the instances of a list to copy, such as `linux/arm64`, which also selects its variants, or
   * `windows/amd64:10.0.20348.1`. The attestations of these instances are copied too. Places that hold single images
   * (`containers-storage:`, `docker-archive:`, `docker-daemon:`) take at most one platform, and only its image. Default:
   * all instances; for such a place, that of this host.
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
 * destination or an option requires it. With `platforms`, a list is rewritten with the selected instances; the
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

/** Transports of places that hold single images only. */
const SINGLE_IMAGE_TRANSPORTS = ["containers-storage", "docker-archive", "docker-daemon"];

async function prepare(
  source: string | ImageReference,
  destination: string | ImageReference,
  { platforms = [], attestations = true, ...options }: CopyImageOptions,
): Promise<ListPush> {
  const [from, to] = [resolveSource(LOCAL_RUNTIME, source), resolveImage(LOCAL_RUNTIME, destination)];
  // The caller's credentials for one side must not be sent to the other.
  const { sourceContext, systemContext = {} } = options;
  const reading = sourceContext ? limitCredentials(sourceContext, from) : limitCredentials(systemContext, to);
  const chosen = platforms.map(parsePlatform);
  // By default, or with one platform, the image for it is chosen from a list.
  const isForOne = SINGLE_IMAGE_TRANSPORTS.includes(to.transport) && chosen.length <= 1;
  const access = { systemContext: reading, signal: options.signal };
  const narrows = chosen.length > 0 || !attestations && !isForOne;
  const top = narrows ? await readManifestWith(LOCAL_RUNTIME, from, access) : undefined;
  if (top && !isIndex(top.manifest)) await assertPlatforms(from, chosen, access);
  const common = { destination: to, host: LOCAL_HOST };
  const reads = sourceContext ? { sourceContext: reading } : {};
  if (isForOne) {
    return {
      ...common,
      source: from,
      platform: chosen[0] ?? wantedPlatform(LOCAL_HOST.platform, systemContext),
      options: { ...options, ...reads, imageListSelection: "system" },
    };
  }
  const narrowing = { name: String(from), platforms: chosen, attestations };
  return {
    ...common,
    source: top && isIndex(top.manifest) ? await narrow(from, top, narrowing, reading, options) : from,
    platform: LOCAL_HOST.platform,
    options: { ...options, ...reads },
  };
}

/** Asserts that a single image is for these platforms: a list would be asked for each of them. */
async function assertPlatforms(
  from: ImageReference,
  platforms: readonly Platform[],
  access: Pick<CopyImageOptions, "systemContext" | "signal">,
): Promise<void> {
  for (const platform of platforms) await withChosenManifest(LOCAL_RUNTIME, [from], { ...access, platform }, () => {});
}

/** Returns a reference to a list of the selected instances; `from` itself if all instances are selected. */
async function narrow(
  from: ImageReference,
  { digest, manifest: { bytes, mediaType } }: VerifiedManifest,
  narrowing: NarrowOptions,
  systemContext: SystemContext,
  { signal, removeSignatures, removeListSignatures }: CopyImageOptions,
): Promise<ImageReference> {
  const list = LOCAL_RUNTIME.parseList(bytes);
  const kept = new Set(narrowEntries(list.ociV1().manifests ?? [], narrowing).map(({ digest }) => digest));
  const others = new Set(list.instances()).difference(kept);
  if (others.size === 0) return from;
  if (!removeSignatures && !removeListSignatures) await assertUnsigned(from, digest, { systemContext, signal });
  for (const digest of others) list.remove(digest);
  return withManifest(from, { bytes: list.serialize(mediaType), mediaType });
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
