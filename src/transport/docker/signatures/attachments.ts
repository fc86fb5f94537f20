import { allOrAbort, type CallOptions, streamOf } from "../../../internal/mod.ts";
import type { FetchedManifest, Repository } from "../../../registry/mod.ts";
import {
  attachedSignature,
  type Attachment,
  attachmentTag,
  attachSignatures,
  MAX_SIGNATURE_SIZE,
  missingSignatures,
  parseAttachment,
  type SigstoreSignature,
} from "../../../signature/mod.ts";
import {
  type Descriptor,
  type Digest,
  isManifestsError,
  ManifestsError,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  readBlob,
} from "../../../spec/mod.ts";

/** How often an attachment that somebody else changed meanwhile is written anew. */
const MAX_RACES = 10;

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
      layers.map(async (layer) => attachedSignature(layer, await this.#readBlob(layer, MAX_SIGNATURE_SIZE, options))),
    );
  }

  /** Attaches signatures to a manifest, beside what is attached already. Those that are there are not attached twice. */
  async write(digest: Digest, signatures: readonly SigstoreSignature[], options: CallOptions = {}): Promise<void> {
    const sent = new Set<Digest>();
    // Nothing keeps two signers from replacing each other's manifest: it is read again until ours are in it.
    for (let attempt = 1; attempt <= MAX_RACES; attempt++) {
      const found = await this.#find(digest, options);
      const missing = missingSignatures(found?.bytes, signatures);
      if (missing.length === 0) return;
      const stored = found && {
        manifest: found.bytes,
        config: await this.#readBlob(parseAttachment(found.bytes).config, MAX_CONFIG_SIZE, options),
      };
      const { manifest, blobs } = attachSignatures(stored, missing)!;
      await this.#putBlobs(blobs.filter(({ descriptor }) => !sent.has(descriptor.digest)), options);
      for (const { descriptor } of blobs) sent.add(descriptor.digest);
      await this.#repository.putManifest(attachmentTag(digest), manifest, {
        mediaType: MEDIA_TYPES.ociManifest,
        ...options,
      });
    }
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot attach signatures to ${digest} as others change them at the same time, ${MAX_RACES} times now`,
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

  async #readBlob(descriptor: Descriptor, limit: number, options: CallOptions): Promise<Uint8Array<ArrayBuffer>> {
    return await readBlob(await this.#repository.getUnverifiedBlob(descriptor.digest, options), descriptor, limit);
  }

  /** All at once, and without looking first: what says when it was signed is there only if it was signed just now. */
  async #putBlobs(blobs: Attachment["blobs"], options: CallOptions): Promise<void> {
    const put = ({ descriptor, bytes }: Attachment["blobs"][number]) => async (signal: AbortSignal) =>
      await this.#repository.putBlob(descriptor, streamOf(bytes), { ...options, signal });
    await allOrAbort(blobs.map(put), options.signal);
  }
}
