import type { CallOptions } from "../../../internal/room.ts";
import type { FetchedManifest, Repository } from "../../../registry/room.ts";
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
      layers.map(async (layer) =>
        attachedSignature(layer, await readSmallBlob(this.#repository, layer, MAX_SIGNATURE_SIZE, options))
      ),
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
        config: await readSmallBlob(this.#repository, parseAttachment(found.bytes).config, MAX_CONFIG_SIZE, options),
      };
      const { manifest, blobs } = attachSignatures(stored, missing)!;
      await putNewBlobs(this.#repository, blobs.filter(({ descriptor }) => !sent.has(descriptor.digest)), options);
      for (const { descriptor } of blobs) sent.add(descriptor.digest);
      const put = { mediaType: MEDIA_TYPES.ociManifest, ...options };
      await this.#repository.putManifest(attachmentTag(digest), manifest, put);
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
}
