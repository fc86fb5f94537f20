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

/** Signatures that are being attached. */
interface Work {
  readonly signatures: readonly SigstoreSignature[];
  /** Digests of the blobs that were uploaded, also by earlier attempts. */
  readonly sent: Set<Digest>;
  /** When the first attempt began, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
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
    const isLost = (error: unknown) => isManifestsError(error, "CONFLICT");
    const { signal } = options;
    const work = { signatures, sent: new Set<Digest>(), startedAt: performance.now() };
    await repeatWhileLost(() => this.#attach(digest, work, options), { isLost, signal });
  }

  /**
   * Makes one attempt. Without conditional requests, two signers can replace each other's manifest, so the attachment
   * is read again after it was written.
   */
  async #attach(digest: Digest, work: Work, options: CallOptions): Promise<void> {
    let built: { readonly on: Digest | null; readonly manifest: Uint8Array<ArrayBuffer> } | undefined;
    for (;;) {
      const seenAt = performance.now();
      const found = await this.#find(digest, options);
      const seen = { digest: found?.digest ?? null, etag: found?.etag ?? null, seenAt };
      // The tag is read once more after the uploads: signers wait four times as long as passes from there to the write.
      if (built?.on === seen.digest) {
        const next = { ...options, mediaType: MEDIA_TYPES.ociManifest, seen, startedAt: work.startedAt };
        await replaceTaggedManifest(this.#repository, attachmentTag(digest), built.manifest, next);
        break;
      }
      const manifest = await this.#build(found?.bytes, work, options);
      if (!manifest) return;
      built = { on: seen.digest, manifest };
    }
    const now = await this.#find(digest, options);
    if (missingSignatures(now?.bytes, work.signatures).length === 0) return;
    throw new ManifestsError(
      "CONFLICT",
      `Cannot attach signatures to ${digest}: other signers replaced them in the meantime`,
    );
  }

  /**
   * Adds the signatures to the manifest of an attachment and uploads the blobs of those that it does not have; returns
   * `undefined` if it has all.
   */
  async #build(
    attachment: Uint8Array<ArrayBuffer> | undefined,
    { signatures, sent }: Work,
    options: CallOptions,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const missing = missingSignatures(attachment, signatures);
    if (missing.length === 0) return undefined;
    const stored = attachment && {
      manifest: attachment,
      config: await readSmallBlob(this.#repository, parseAttachment(attachment).config, MAX_CONFIG_SIZE, options),
    };
    const { manifest, blobs } = attachSignatures(stored, missing)!;
    await putNewBlobs(this.#repository, blobs.filter(({ descriptor }) => !sent.has(descriptor.digest)), options);
    for (const { descriptor } of blobs) sent.add(descriptor.digest);
    return manifest;
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
