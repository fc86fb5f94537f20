import type { CallOptions } from "../../../internal/room.ts";
import type { Repository } from "../../../registry/room.ts";
import {
  attachedSignature,
  createSignatureReferrer,
  MAX_SIGNATURE_SIZE,
  MAX_SIGNATURES,
  MAX_SIGNATURES_SIZE,
  parseAttachment,
  SIGNATURE_ARTIFACT_TYPE,
  type SigstoreSignature,
} from "../../../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
} from "../../../spec/room.ts";
import { putNewBlobs, readSmallBlob } from "./small_blobs.ts";

/**
 * Sigstore signatures of a repository's manifests as their referrers (distribution-spec, "Listing Referrers"; cosign's
 * mode `oci-1-1`): artifacts whose subject is the manifest that is signed.
 */
export class SignatureReferrers {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Reads the signatures that are referrers of a manifest. */
  async read(digest: Digest, options: CallOptions = {}): Promise<SigstoreSignature[]> {
    const attachments = await this.#readManifests(await this.#list(digest, options), digest, options);
    const total = attachments.reduce((sum, { layers }) => layers.reduce((sum, { size }) => sum + size, sum), 0);
    if (total > MAX_SIGNATURES_SIZE) throw tooMuch(digest);
    return await Promise.all(attachments.flatMap(({ referrer, layers }) =>
      layers.map(async (layer) => ({
        ...attachedSignature(layer, await readSmallBlob(this.#repository, layer, MAX_SIGNATURE_SIZE, options)),
        referrer,
      }))
    ));
  }

  async #list(digest: Digest, options: CallOptions): Promise<Descriptor[]> {
    const referrers: Descriptor[] = [];
    let total = 0;
    const filtered = { ...options, artifactType: SIGNATURE_ARTIFACT_TYPE };
    for await (const referrer of this.#repository.listReferrers(digest, filtered)) {
      total += referrer.size;
      if (referrers.push(referrer) > MAX_SIGNATURES || total > MAX_SIGNATURES_SIZE) throw tooMuch(digest);
    }
    return referrers;
  }

  async #readManifests(referrers: readonly Descriptor[], subject: Digest, options: CallOptions) {
    const read = await Promise.all(referrers.map(async ({ digest, size }) => {
      const bytes = await this.#findManifest(digest, options);
      // The list of referrers is untrusted: an entry may have a wrong size.
      if (bytes?.length !== size) return undefined;
      const { layers, subject } = parseAttachment(bytes);
      return { referrer: digest, layers, subject };
    }));
    return read.filter((attachment) => attachment !== undefined).filter((attachment) =>
      attachment.subject?.digest === subject
    );
  }

  /** Reads the manifest of a referrer. Returns `undefined` if it was deleted after the list was read. */
  async #findManifest(referrer: Digest, options: CallOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return (await this.#repository.getManifest(referrer, options)).bytes;
    } catch (error) {
      if (isManifestsError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** Adds signatures to a manifest as one more referrer. Existing signatures are not written again. */
  async write(subject: Descriptor, signatures: readonly SigstoreSignature[], options: CallOptions = {}): Promise<void> {
    const existing = new Set((await this.read(subject.digest, options)).map(toKey));
    const added = signatures.filter((signature) => !existing.has(toKey(signature)));
    if (added.length === 0) return;
    const { manifest, blobs } = createSignatureReferrer(subject, added);
    await putNewBlobs(this.#repository, blobs, options);
    await this.#repository.putManifest(digestOf(manifest), manifest, {
      mediaType: MEDIA_TYPES.ociManifest,
      ...options,
    });
  }
}

function tooMuch(digest: Digest): ManifestsError {
  return new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot read the signatures of ${digest}: there are too many referrers, or they are too large`,
  );
}

/** Returns a key that equal signatures share: the payload and the annotations, which contain the signature itself. */
function toKey({ mediaType, payload, annotations }: SigstoreSignature): string {
  return JSON.stringify([mediaType, digestOf(payload), Object.entries(annotations).toSorted()]);
}
