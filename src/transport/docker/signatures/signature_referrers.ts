import type { CallOptions } from "../../../internal/mod.ts";
import type { Repository } from "../../../registry/mod.ts";
import {
  attachedSignature,
  createSignatureReferrer,
  MAX_SIGNATURE_SIZE,
  MAX_SIGNATURES,
  parseAttachment,
  SIGNATURE_ARTIFACT_TYPE,
  type SigstoreSignature,
} from "../../../signature/mod.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
} from "../../../spec/mod.ts";
import { putSmallBlob, readSmallBlob } from "./small_blobs.ts";

/**
 * Sigstore signatures of a repository's manifests as their referrers (distribution-spec, "Listing Referrers"; cosign's
 * mode `oci-1-1`): artifacts whose subject is the manifest that is signed.
 */
export class SignatureReferrers {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** The signatures of a manifest that are its referrers. */
  async read(digest: Digest, options: CallOptions = {}): Promise<SigstoreSignature[]> {
    const referrers: Digest[] = [];
    const wanted = { ...options, artifactType: SIGNATURE_ARTIFACT_TYPE };
    for await (const referrer of this.#repository.listReferrers(digest, wanted)) {
      if (referrers.push(referrer.digest) <= MAX_SIGNATURES) continue;
      throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read signatures of ${digest} as they do not end`);
    }
    return (await Promise.all(referrers.map((referrer) => this.#readOne(digest, referrer, options)))).flat();
  }

  async #readOne(subject: Digest, referrer: Digest, options: CallOptions): Promise<SigstoreSignature[]> {
    const bytes = await this.#findManifest(referrer, options);
    const parsed = bytes && parseAttachment(bytes);
    // Who wrote the list of referrers did not have to look at what it names.
    if (parsed?.subject?.digest !== subject) return [];
    return await Promise.all(parsed.layers.map(async (layer) => ({
      ...attachedSignature(layer, await readSmallBlob(this.#repository, layer, MAX_SIGNATURE_SIZE, options)),
      referrer,
    })));
  }

  /** The list of referrers may be older than what it names. */
  async #findManifest(referrer: Digest, options: CallOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return (await this.#repository.getManifest(referrer, options)).bytes;
    } catch (error) {
      if (isManifestsError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** Adds signatures of a manifest as one more referrer. Those that are there are not written twice. */
  async write(subject: Descriptor, signatures: readonly SigstoreSignature[], options: CallOptions = {}): Promise<void> {
    const there = new Set((await this.read(subject.digest, options)).map(keyOf));
    const added = signatures.filter((signature) => !there.has(keyOf(signature)));
    if (added.length === 0) return;
    const { manifest, blobs } = createSignatureReferrer(subject, added);
    for (const { descriptor, bytes } of blobs) await putSmallBlob(this.#repository, descriptor, bytes, options);
    await this.#repository.putManifest(digestOf(manifest), manifest, {
      mediaType: MEDIA_TYPES.ociManifest,
      ...options,
    });
  }
}

/** Equal signatures have equal annotations, which is where what was signed is signed. */
function keyOf({ mediaType, payload, annotations }: SigstoreSignature): string {
  return JSON.stringify([mediaType, digestOf(payload), Object.entries(annotations).toSorted()]);
}
