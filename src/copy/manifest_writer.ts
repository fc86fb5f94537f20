import type { ImageDestination, StoredManifest } from "../image/room.ts";
import type { Semaphore } from "../internal/room.ts";
import type { Signature } from "../signature/room.ts";
import { type Digest, digestAlgorithm, manifestDigest, type ParsedManifest } from "../spec/room.ts";
import type { CopyEvent } from "./events.ts";
import type { PlannedNode } from "./plan_types.ts";
import { missesContent, retry, type RetryOptions } from "./retry.ts";
import { type Signing, signManifest, storeSignatures } from "./sign.ts";

/** How the manifests of one copy are written. */
export interface ManifestWriterOptions {
  /** The destination that the copy writes to. */
  readonly destination: ImageDestination;
  /** The top-level manifest, which is written under the destination's name. */
  readonly top: PlannedNode;
  /** How the manifests are signed; `undefined`: no signature is created. */
  readonly signing: Signing | undefined;
  /** The digest that the destination's name must have before; `null`: none; `undefined`: no condition. */
  readonly ifMatch: Digest | null | undefined;
  /** Look for each manifest before it is written, and skip existing ones. */
  readonly skipExisting: boolean;
  /** How failed steps are retried. */
  readonly retry: Omit<RetryOptions, "signal">;
  /** Called with each progress event. */
  readonly emit: (event: CopyEvent) => void;
  /** Limits the number of concurrent operations of the copy. */
  readonly slots: Semaphore;
}

/** How one manifest is written. */
export interface PutOptions extends Pick<RetryOptions, "isTransient" | "signal"> {
  /** Description of the step for progress events. */
  readonly step: string;
  /** Moves the blobs that the registry reported as missing, before the manifest is written again. */
  readonly restore?: () => Promise<void>;
}

/** Writes the manifests of one copy with their signatures. */
export class ManifestWriter {
  readonly #options: ManifestWriterOptions;
  /** Whether the destination's name already had the top-level manifest. */
  unchanged = false;

  constructor(options: ManifestWriterOptions) {
    this.#options = options;
  }

  /** Signs a manifest, writes it and stores its signatures. If signing fails, no unsigned manifest is written. */
  async put(
    node: PlannedNode,
    { bytes, mediaType }: Pick<ParsedManifest, "bytes" | "mediaType">,
    options: PutOptions,
  ): Promise<Digest> {
    const { signing, emit, slots, top } = this.#options;
    const { signal } = options;
    const digest = chooseDigest(node, bytes);
    const signatures = await signManifest({ bytes, digest }, node.signatures, {
      signing: node.isReferrer ? undefined : signing,
      emit,
      signal,
      slots,
    });
    const isTop = node === top;
    const unchanged = await this.#write({ bytes, mediaType, digest, isTop }, options);
    if (isTop) this.unchanged = unchanged;
    await this.#storeSignatures(signatures, { digest, mediaType, size: bytes.length, isInstance: !isTop }, signal);
    return digest;
  }

  /** Writes a manifest. Returns whether the destination already had it under its name. */
  async #write(
    { bytes, mediaType, digest, isTop }: Pick<ParsedManifest, "bytes" | "mediaType"> & {
      readonly digest: Digest;
      readonly isTop: boolean;
    },
    { step, isTransient, restore, signal }: PutOptions,
  ): Promise<boolean> {
    const { destination, ifMatch, skipExisting } = this.#options;
    const target = isTop ? { instance: undefined, ifMatch } : { instance: digest, ifMatch: undefined };
    let repeated = false;
    let isIncomplete = false;
    const put = async () => {
      const call = { signal, maxRetries: 0, digest };
      if (isIncomplete) await restore?.();
      // Not after a first attempt: a manifest that it wrote would be reported as unchanged.
      const mayExist = skipExisting && !repeated && target.ifMatch === undefined;
      if (mayExist && await destination.findManifest?.({ ...call, instance: target.instance }) === digest) return true;
      const done = destination.putManifest(bytes, mediaType, { ...call, ...target, repeated });
      repeated = true;
      try {
        return (await done)?.unchanged ?? false;
      } catch (error) {
        isIncomplete = missesContent(error);
        throw error;
      }
    };
    return await retry(step, put, { ...this.#options.retry, signal, isTransient });
  }

  async #storeSignatures(
    signatures: readonly Signature[],
    manifest: StoredManifest,
    signal: AbortSignal,
  ): Promise<void> {
    const store = () => storeSignatures(this.#options.destination, signatures, manifest, signal);
    await retry(`writing signatures of ${manifest.digest}`, store, { ...this.#options.retry, signal });
  }
}

/** Chooses the digest under which a manifest is written: an unchanged manifest keeps its digest and so its algorithm. */
function chooseDigest({ digest }: PlannedNode, bytes: Uint8Array): Digest {
  return manifestDigest(bytes, digestAlgorithm(digest)) === digest ? digest : manifestDigest(bytes);
}
