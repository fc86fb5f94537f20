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

/** State that is kept between attempts to attach signatures. */
interface Progress {
  /** Digests of the blobs that were uploaded. */
  readonly sent: Set<Digest>;
  /** Longest time between reading and writing an attachment in milliseconds; `undefined` before the first attempt. */
  gap: number | undefined;
}

/**
 * Sigstore signatures that are attached to the manifests of a repository: a manifest whose tag is derived from the
 * digest, with a layer per signature (cosign SIGNATURE_SPEC; docker_image_dest.go
 * `putSignaturesToSigstoreAttachments`).
 */
export class Attachments {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Returns the signatures that are attached to a manifest. The layers may also be attestations. */
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

  /**
   * Makes one attempt. Without conditional requests, two signers can replace each other's manifest, so the attachment
   * is read again after it was written.
   */
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
    // The first attempt uploads all blobs and takes longest. Another signer's first attempt may take as long.
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
