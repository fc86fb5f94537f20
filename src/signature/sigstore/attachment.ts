import { encodeGoJson, type GoJsonValue, isObject, parseJson, RawJson, rawMembers } from "../../json/room.ts";
import {
  type Descriptor,
  descriptorJson,
  type Digest,
  digestAlgorithm,
  digestHex,
  digestOf,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
} from "../../spec/room.ts";
import { MAX_SIGNATURE_SIZE, MAX_SIGNATURES_SIZE, type SigstoreSignature } from "../types.ts";

/** Maximum number of layers. Each costs a request, and real attachments have far fewer. */
const MAX_LAYERS = 128;

/** An image that stores the signatures of another image in the same repository. */
export interface Attachment {
  /** Manifest of the attachment, to be stored under {@linkcode attachmentTag}. */
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** New blobs, to be uploaded before the manifest. Blobs of existing signatures are not included. */
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array<ArrayBuffer> }[];
}

/** An attachment that already exists in the repository. */
export interface StoredAttachment {
  /** Manifest of the existing attachment. */
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** Configuration blob of the existing attachment. */
  readonly config: Uint8Array<ArrayBuffer>;
}

/**
 * Maximum length of a digest's hex part in a tag: distribution-spec, "Referrers Tag Schema". Tags have at most 128
 * characters.
 */
const MAX_TAG_HEX = 64;

/**
 * Returns the tag of a manifest's attachment: `sha256-<hex>.sig` for signatures, `.att` for attestations. Longer digests
 * are truncated.
 */
export function attachmentTag(digest: Digest, suffix: "sig" | "att" = "sig"): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest).slice(0, MAX_TAG_HEX)}.${suffix}`;
}

/**
 * Parses the manifest of an attachment. Each layer is the payload of a signature; see {@linkcode attachedSignature}.
 *
 * @throws {ManifestsError} With code `INVALID_MANIFEST` if it is not an OCI image, or `LIMIT_EXCEEDED` if it has more
 * than 128 layers, a layer above 4 MiB, or layers of more than 32 MiB in total.
 */
export function parseAttachment(
  manifest: Uint8Array<ArrayBuffer>,
): Pick<ParsedImage, "layers" | "subject"> & { config: Descriptor } {
  const parsed = parseManifest(manifest);
  if (parsed.kind !== "oci-image" || !parsed.config) {
    throw new ManifestsError(
      "INVALID_MANIFEST",
      `Cannot read signatures: the attachment's manifest has an unexpected MIME type: ${parsed.mediaType}`,
    );
  }
  const { config, layers, subject } = parsed;
  const large = layers.find(({ size }) => size > MAX_SIGNATURE_SIZE);
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const problem = large
    ? `one exceeded maximum allowed size of ${MAX_SIGNATURE_SIZE} bytes`
    : layers.length > MAX_LAYERS
    ? `there are more than ${MAX_LAYERS}`
    : total > MAX_SIGNATURES_SIZE && `together they have more than ${MAX_SIGNATURES_SIZE} bytes`;
  if (problem) throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read signatures: ${problem}`);
  return { config, layers, ...(subject ? { subject } : {}) };
}

/** Creates the signature that a layer stores. The caller must have verified the digest and size of the payload. */
export function attachedSignature(layer: Descriptor, payload: Uint8Array<ArrayBuffer>): SigstoreSignature {
  return { kind: "sigstore", mediaType: layer.mediaType, payload, annotations: { ...layer.annotations } };
}

/** Returns the signatures that an attachment lacks, without duplicates. `undefined` stands for an empty attachment. */
export function missingSignatures(
  manifest: Uint8Array<ArrayBuffer> | undefined,
  signatures: readonly SigstoreSignature[],
): SigstoreSignature[] {
  const present = new Set(manifest ? parseAttachment(manifest).layers.map(layerKey) : []);
  return signatures.filter((signature) => {
    const key = layerKey(describe(signature));
    if (present.has(key)) return false;
    present.add(key);
    return true;
  });
}

/**
 * Adds signatures to an attachment, or creates one. Existing layers stay unchanged and in their order.
 *
 * @returns `undefined` if the attachment already has all of them.
 */
export function attachSignatures(
  stored: StoredAttachment | undefined,
  signatures: readonly SigstoreSignature[],
): Attachment | undefined {
  const missing = missingSignatures(stored?.manifest, signatures);
  if (missing.length === 0) return undefined;
  const layers = missing.map(describe);
  const config = configJson(stored?.config, layers.map(({ digest }) => digest));
  const configDescriptor = { mediaType: MEDIA_TYPES.ociConfig, digest: digestOf(config), size: config.length };
  // Several keys that sign within one second sign the same payload: it is uploaded once.
  const payloads = new Map(
    missing.map(({ payload }, i) => [layers[i]!.digest, { descriptor: layers[i]!, bytes: payload }]),
  );
  return {
    manifest: manifestJson(stored?.manifest, configDescriptor, layers),
    blobs: [...payloads.values(), { descriptor: configDescriptor, bytes: config }],
  };
}

function describe({ mediaType, payload, annotations }: SigstoreSignature): Descriptor {
  return { mediaType, digest: digestOf(payload), size: payload.length, annotations };
}

/** Returns equal texts for equal layers. */
function layerKey({ mediaType, digest, size, annotations = {} }: Descriptor): string {
  return JSON.stringify([mediaType, digest, size, Object.entries(annotations).toSorted()]);
}

/** Adds layers to a configuration, or to the initial one that c/image writes. */
function configJson(stored: Uint8Array | undefined, digests: readonly Digest[]): Uint8Array<ArrayBuffer> {
  const members = stored ? rawMembers(stored, "configuration of signatures") : new Map<string, GoJsonValue>([
    ["architecture", ""],
    ["os", ""],
    ["config", new Map()],
  ]);
  const { value } = stored ? parseJson(stored, "configuration of signatures") : { value: {} };
  const rootfs = isObject(value) && isObject(value.rootfs) ? value.rootfs : {};
  const before = Array.isArray(rootfs.diff_ids) ? rootfs.diff_ids.map(String) : [];
  const after = new Map<string, GoJsonValue>([["type", "layers"], ["diff_ids", [...before, ...digests]]]);
  return encodeGoJson(new Map<string, GoJsonValue>([...members, ["rootfs", after]]));
}

function manifestJson(
  stored: Uint8Array | undefined,
  config: Descriptor,
  added: readonly Descriptor[],
): Uint8Array<ArrayBuffer> {
  const members = stored
    ? rawMembers(stored, "manifest of signatures")
    : new Map<string, GoJsonValue>([["schemaVersion", 2], ["mediaType", MEDIA_TYPES.ociManifest]]);
  const before = stored ? rawItems(stored) : [];
  return encodeGoJson(
    new Map<string, GoJsonValue>([
      ...members,
      ["config", descriptorJson(config) as GoJsonValue],
      ["layers", [...before, ...added.map((layer) => descriptorJson(layer) as GoJsonValue)]],
    ]),
  );
}

/** Returns the layers as their original text, so that unknown members are kept. */
function rawItems(manifest: Uint8Array): RawJson[] {
  const layers = rawMembers(manifest, "manifest of signatures").get("layers");
  if (!layers) return [];
  const { spans, text } = parseJson(new TextEncoder().encode(layers.text), "layers of signatures");
  return spans.map(({ start, end }) => new RawJson(text.slice(start, end)));
}
