import { copyImageWith, type CopyOutline, type CopyResult, outlineCopyWith } from "../../copy/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { type ListPush, pushList, type PushOptions } from "../../list/room.ts";
import {
  type Digest,
  isIndex,
  ManifestsError,
  narrowEntries,
  type NarrowOptions,
  parsePlatform,
} from "../../spec/room.ts";
import { LOCAL_HOST } from "./host.ts";
import { fetchManifest, parseImageName } from "./list.ts";
import { readList } from "./read_list.ts";

/** Options for {@linkcode copyImage}. */
export interface CopyImageOptions extends
  Pick<
    PushOptions,
    | "systemContext"
    | "manifestType"
    | "addCompression"
    | "forceCompressionFormat"
    | "preserveDigests"
    | "signers"
    | "signBy"
    | "signPassphrase"
    | "signBySigstorePrivateKeyFile"
    | "signSigstorePrivateKeyPassphrase"
    | "signBySigstoreParamFile"
    | "privateKeyPassphrasePrompt"
    | "signIdentity"
    | "removeSignatures"
    | "removeListSignatures"
    | "referrers"
    | "signaturePolicy"
    | "destinationTimestamp"
    | "ifMatch"
    | "reportWriter"
    | "onProgress"
    | "maxRetries"
    | "retryDelay"
    | "maxParallelTransfers"
    | "signal"
  > {
  /**
   * Copy a list with only these instances, each named as in `linux/arm64`, which also means its variants, or
   * `windows/amd64:10.0.20348.1`; default: everything. The attestations of chosen images are copied too.
   */
  platforms?: readonly string[] | undefined;
  /**
   * Copy the attestations that a list has of its images. Without them, the list is rewritten, as with `platforms`.
   *
   * @default {true}
   */
  attestations?: boolean | undefined;
}

/**
 * Copies an image, or a list with its instances, from anywhere to anywhere. Digests stay, unless the destination or an
 * option wants something changed. With `platforms`, the list is written anew with the chosen instances, whose digests
 * stay: a list that is signed is another one then, and refused without `removeListSignatures`. What is copied is judged
 * by `signaturePolicy`, else by this host's `policy.json`, as by the real tools.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`, `INVALID_PLATFORM`, `POLICY_MISSING`, and those of
 * {@linkcode List.push}.
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

/** Finds out what {@linkcode copyImage} would do; nothing is changed. */
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
  const from = resolve(source);
  const narrowing = { name: String(from), platforms: platforms.map(parsePlatform), attestations };
  const narrows = platforms.length > 0 || !attestations && await isList(from, options);
  return {
    source: narrows ? await choose(from, narrowing, options) : from,
    destination: resolve(destination),
    wanted: LOCAL_HOST.platform,
    host: LOCAL_HOST,
    options,
  };
}

/** A list without the entries that are not chosen; the list itself if nothing would be left out. */
async function choose(
  from: ImageReference,
  narrowing: NarrowOptions,
  options: CopyImageOptions,
): Promise<ImageReference> {
  const { systemContext, signal, removeSignatures, removeListSignatures } = options;
  const { list, digest } = await readList(from, { systemContext, signal });
  const kept = new Set(narrowEntries(list.ociV1().manifests ?? [], narrowing).map(({ digest }) => digest));
  const others = new Set(list.instances()).difference(kept);
  if (others.size === 0) return from;
  if (!removeSignatures && !removeListSignatures) await refuseSigned(from, digest, { systemContext, signal });
  for (const digest of others) list.remove(digest);
  return list.reference();
}

async function isList(from: ImageReference, { systemContext, signal }: CopyImageOptions): Promise<boolean> {
  return isIndex(await fetchManifest(from, { systemContext, signal }));
}

/** The list is another one without some of its instances, as any other change would make it. */
async function refuseSigned(
  from: ImageReference,
  digest: Digest,
  { systemContext, signal }: Pick<CopyImageOptions, "systemContext" | "signal">,
): Promise<void> {
  await using source = await from.openSource(systemContext);
  const signatures = await source.getSignatures?.({ digest, isInstance: false }, { signal }) ?? [];
  if (signatures.length === 0) return;
  const removal = "removeListSignatures (--remove-list-signatures) leaves out its signatures";
  throw new ManifestsError("CANNOT_MODIFY", `Cannot copy some images of ${from} as the list is signed: ${removal}`);
}
