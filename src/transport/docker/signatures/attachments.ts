import { type CallOptions, repeatWhileLost } from "../../../internal/room.ts";
import { type FetchedManifest, replaceTaggedManifest, type Repository } from "../../../registry/room.ts";
import {
  attachedSignature,
  attachmentTag,
  attachSignatures,
  MAX_SIGNATURE_SIZE,
  missingSignatures,
  parseAttachment,
  type SigstoreSignature,
} from "../../../signature/room.ts";
import { type Digest, isManifestsError, ManifestsError, MAX_CONFIG_SIZE, MEDIA_TYPES } from "../../../spec/room.ts";
import { putNewBlobs, readSmallBlob } from "./small_blobs.ts";

/** What earlier attempts to attach signatures have done. */
interface Progress {
  /** The blobs that were sent. */
  readonly sent: Set<Digest>;
  /** The longest time from reading an attachment to writing it, in milliseconds; `undefined` before the first attempt. */
  gap: number | undefined;
}

/**
 * Sigstore signatures of a repository's manifests, in the repository itself: a manifest under a tag that is made of the
 * digest, with a layer per signature (cosign SIGNATURE_SPEC; docker_image_dest.go `putSignaturesToSigstoreAttachments`).
 */
export class Attachments {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** What is attached to a manifest: signatures, and perhaps other things. */
  async read(digest: Digest, options: CallOptions = {}): Promise<SigstoreSignature[]> {
    const found = await this.#find(digest, options);
    const { layers } = found ? parseAttachment(found.bytes) : { layers: [] };
    return await Promise.all(
      layers.map(async (layer) =>
        attachedSignature(layer, await readSmallBlob(this.#repository, layer, MAX_SIGNATURE_SIZE, options))
      ),
    );
  }

  /**
   * Attaches signatures to a manifest, in addition to existing ones. Those that are attached already are not attached
   * twice.
   *
   * @throws {ManifestsError} With code `CONFLICT` if other signers were faster each time.
   */
  async write(digest: Digest, signatures: readonly SigstoreSignature[], options: CallOptions = {}): Promise<void> {
    const progress: Progress = { sent: new Set(), gap: undefined };
    const isLost = (error: unknown) => isManifestsError(error, "CONFLICT");
    const { signal } = options;
    await repeatWhileLost(() => this.#attach(digest, signatures, progress, options), { isLost, signal });
  }

  /** One attempt. A registry without conditional requests lets two signers replace each other's manifest: look again. */
  async #attach(
    digest: Digest,
    signatures: readonly SigstoreSignature[],
    progress: Progress,
    options: CallOptions,
  ): Promise<void> {
    const seenAt = performance.now();
    const found = await this.#find(digest, options);
    const missing = missingSignatures(found?.bytes, signatures);
    if (missing.length === 0) return;
    const stored = found && {
      manifest: found.bytes,
      config: await readSmallBlob(this.#repository, parseAttachment(found.bytes).config, MAX_CONFIG_SIZE, options),
    };
    const { manifest, blobs } = attachSignatures(stored, missing)!;
    const { sent, gap } = progress;
    await putNewBlobs(this.#repository, blobs.filter(({ descriptor }) => !sent.has(descriptor.digest)), options);
    for (const { descriptor } of blobs) sent.add(descriptor.digest);
    // The first attempt, which sends all blobs, takes longest: another signer's first one may take as long.
    progress.gap = Math.max(gap ?? 0, performance.now() - seenAt);
    const seen = { digest: found?.digest ?? null, etag: found?.etag ?? null, seenAt };
    const mediaType = MEDIA_TYPES.ociManifest;
    const next = { ...options, mediaType, seen, gap };
    await replaceTaggedManifest(this.#repository, attachmentTag(digest), manifest, next);
    const now = await this.#find(digest, options);
    if (missingSignatures(now?.bytes, signatures).length === 0) return;
    throw new ManifestsError(
      "CONFLICT",
      `Cannot attach signatures to ${digest}: other signers replaced them in the meantime`,
    );
  }

  async #find(digest: Digest, options: CallOptions): Promise<FetchedManifest | undefined> {
    try {
      return await this.#repository.getManifest(attachmentTag(digest), options);
    } catch (error) {
      if (isManifestsError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }
}
