import { type CallOptions, streamOf } from "../../../internal/mod.ts";
import type { Repository } from "../../../registry/mod.ts";
import { MAX_SIGNATURE_SIZE, MAX_SIGNATURES, type SigstoreSignature } from "../../../signature/mod.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  encodeGoJson,
  type GoJsonValue,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
  readBlob,
  sortedMap,
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
    return await Promise.all((found?.layers ?? []).map(async (layer): Promise<SigstoreSignature> => ({
      kind: "sigstore",
      mediaType: layer.mediaType,
      payload: await readBlob(await this.#repository.getBlob(layer, options), layer, MAX_SIGNATURE_SIZE),
      annotations: layer.annotations ?? {},
    })));
  }

  /** Attaches signatures to a manifest, beside what is attached already. Those that are there are not attached twice. */
  async write(digest: Digest, signatures: readonly SigstoreSignature[], options: CallOptions = {}): Promise<void> {
    for (let attempt = 1;; attempt++) {
      const there = (await this.#find(digest, options))?.layers ?? [];
      const missing = signatures.map(describeSignature).filter((layer) => !there.some((other) => isSame(layer, other)));
      if (missing.length === 0) return;
      if (attempt > MAX_RACES) {
        throw new ManifestsError(
          "REGISTRY_ERROR",
          `Cannot attach signatures to ${digest} as others change them at the same time, ${MAX_RACES} times now`,
        );
      }
      for (const { payload } of signatures) await this.#putBlob(payload, options);
      await this.#put(digest, [...there, ...missing], options);
      // Nothing keeps two signers from replacing each other's manifest: read again whether ours are in it.
    }
  }

  async #put(digest: Digest, layers: readonly Descriptor[], options: CallOptions): Promise<void> {
    const config = encodeGoJson(configOf(layers));
    await this.#putBlob(config, options);
    const manifest = encodeGoJson(
      new Map<string, GoJsonValue>([
        ["schemaVersion", 2],
        ["mediaType", MEDIA_TYPES.ociManifest],
        ["config", descriptorJson({ mediaType: MEDIA_TYPES.ociConfig, digest: digestOf(config), size: config.length })],
        ["layers", layers.map(descriptorJson)],
      ]),
    );
    await this.#repository.putManifest(tagOf(digest), manifest, { mediaType: MEDIA_TYPES.ociManifest, ...options });
  }

  async #putBlob(bytes: Uint8Array<ArrayBuffer>, options: CallOptions): Promise<void> {
    const descriptor = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
    if (await this.#repository.headBlob(descriptor.digest, options) !== undefined) return;
    await this.#repository.putBlob(descriptor, streamOf(bytes), options);
  }

  async #find(digest: Digest, options: CallOptions): Promise<ParsedImage | undefined> {
    const found = await this.#repository.getManifest(tagOf(digest), options).catch((error) => {
      if (!isManifestsError(error, "NOT_FOUND")) throw error;
    });
    if (!found) return undefined;
    const manifest = parseManifest(found.bytes, found.mediaType);
    if (manifest.kind !== "oci-image") {
      throw new ManifestsError(
        "INVALID_MANIFEST",
        `Cannot read what is attached to ${digest} as it is of type ${manifest.mediaType}, not ${MEDIA_TYPES.ociManifest}`,
      );
    }
    const { layers } = manifest;
    if (layers.length > MAX_SIGNATURES || layers.some(({ size }) => size > MAX_SIGNATURE_SIZE)) {
      throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read what is attached to ${digest} as it is too much`);
    }
    return manifest;
  }
}

/** The tag under which a manifest's attachments are: of every algorithm, and nothing that a digest does not allow. */
function tagOf(digest: Digest): string {
  return `${digest.replace(":", "-")}.sig`;
}

function describeSignature({ mediaType, payload, annotations }: SigstoreSignature): Descriptor {
  return { mediaType, digest: digestOf(payload), size: payload.length, annotations };
}

function isSame(a: Descriptor, b: Descriptor): boolean {
  const text = ({ annotations = {} }: Descriptor) => JSON.stringify(Object.entries(annotations).toSorted());
  return a.mediaType === b.mediaType && a.digest === b.digest && a.size === b.size && text(a) === text(b);
}

/** An image configuration that says nothing but which payloads there are; the real tools write the same bytes. */
function configOf(layers: readonly Descriptor[]): GoJsonValue {
  return new Map<string, GoJsonValue>([
    ["architecture", ""],
    ["os", ""],
    ["config", new Map()],
    ["rootfs", new Map<string, GoJsonValue>([["type", "layers"], ["diff_ids", layers.map(({ digest }) => digest)]])],
  ]);
}

function descriptorJson({ mediaType, digest, size, annotations }: Descriptor): GoJsonValue {
  return new Map<string, GoJsonValue | undefined>([
    ["mediaType", mediaType],
    ["digest", digest],
    ["size", size],
    ["annotations", sortedMap(annotations)],
  ]) as GoJsonValue;
}
