import { copyImage as run, type CopyOutline, type CopyResult, outlineCopy } from "../../copy/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { type ListPush, pushList, type PushOptions } from "../../list/room.ts";
import { type Digest, formatPlatform, ManifestsError } from "../../spec/room.ts";
import { LOCAL_HOST } from "./host.ts";
import { type List, parseImageName } from "./list.ts";
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
    | "ifMatch"
    | "reportWriter"
    | "onProgress"
    | "maxRetries"
    | "retryDelay"
    | "maxParallelTransfers"
    | "signal"
  > {
  /** Copy a list with only these instances, each named as in `linux/arm64`; default: everything. */
  platforms?: readonly string[] | undefined;
}

/**
 * Copies an image, or a list with its instances, from anywhere to anywhere. Digests stay, unless the destination or an
 * option wants something changed. With `platforms`, the list is written anew with the chosen instances, whose digests
 * stay: a list that is signed is another one then, and refused without `removeListSignatures`. What is copied is judged
 * by `signaturePolicy`, else by this host's `policy.json`, as by the real tools.
 *
 * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`, `POLICY_MISSING`, and those of {@linkcode List.push}.
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
  return await pushList(await prepare(source, destination, options), run);
}

/** Finds out what {@linkcode copyImage} would do; nothing is changed. */
export async function outlineImageCopy(
  source: string | ImageReference,
  destination: string | ImageReference,
  options: CopyImageOptions = {},
): Promise<CopyOutline> {
  return await pushList(await prepare(source, destination, options), outlineCopy);
}

async function prepare(
  source: string | ImageReference,
  destination: string | ImageReference,
  { platforms, ...options }: CopyImageOptions,
): Promise<ListPush> {
  const resolve = (image: string | ImageReference) => typeof image === "string" ? parseImageName(image) : image;
  const from = resolve(source);
  const chosen = platforms?.length ? await choose(from, platforms, options) : undefined;
  return {
    source: chosen?.reference() ?? from,
    destination: resolve(destination),
    wanted: LOCAL_HOST.platform,
    host: LOCAL_HOST,
    options,
  };
}

/** The list with nothing but some of its instances. */
async function choose(
  from: ImageReference,
  platforms: readonly string[],
  { systemContext, signal, removeSignatures, removeListSignatures }: CopyImageOptions,
): Promise<List> {
  const { list, digest } = await readList(from, { systemContext, signal });
  if (!removeSignatures && !removeListSignatures) await refuseSigned(from, digest, { systemContext, signal });
  const platformOf = (digest: string) =>
    formatPlatform({ os: list.os(digest), architecture: list.architecture(digest), variant: list.variant(digest) });
  const has = list.instances().map(platformOf);
  // Who says linux/arm64 means its variants too.
  const matches = (platform: string, wanted: string) => platform === wanted || platform.startsWith(`${wanted}/`);
  const missing = platforms.find((wanted) => !has.some((platform) => matches(platform, wanted)));
  if (missing !== undefined) {
    throw new ManifestsError(
      "NO_MATCHING_PLATFORM",
      `Cannot copy ${missing} of ${from} as it has only ${
        [...new Set(has)].filter(Boolean).join(", ") || "no platforms"
      }`,
    );
  }
  for (const digest of list.instances()) {
    if (!platforms.some((wanted) => matches(platformOf(digest), wanted))) list.remove(digest);
  }
  return list;
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
