import { decodeBase64, decodeUtf8, encodeUtf8 } from "../internal/room.ts";
import { type Descriptor, readDescriptor, UNKNOWN_SIZE } from "./descriptor.ts";
import { type Digest, type DigestAlgorithm, digestAlgorithm, digestOf, parseDigest } from "./digest.ts";
import { DigestMismatchError, ManifestsError, ManifestsSyntaxError } from "../errors/room.ts";
import { type DockerList, type DockerListEntry, type OciIndex, readDockerList, readOciIndex } from "./index.ts";
import { isObject, parseJson, StructReader } from "../json/room.ts";
import { isIndexMediaType, isSchema1MediaType, MEDIA_TYPES } from "./media_types.ts";

/** Maximum size of a manifest, in bytes: 4 MiB, which the distribution specification asks registries to accept. */
export const MAX_MANIFEST_SIZE: number = 4 * 1024 * 1024;

/** Maximum size of an image configuration, in bytes: 8 MiB. */
export const MAX_CONFIG_SIZE: number = 8 * 1024 * 1024;

/** Parsed index, with its exact bytes. */
export type ParsedIndex =
  | {
    /** Format of the index, which tells the variants apart. */
    readonly kind: "oci-index";
    /** Exact bytes of the document, which its digest covers. */
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** Media type by which the document was parsed. */
    readonly mediaType: typeof MEDIA_TYPES.ociIndex;
    /** Parsed content of the document. */
    readonly index: OciIndex;
  }
  | {
    /** Format of the index, which tells the variants apart. */
    readonly kind: "docker-list";
    /** Exact bytes of the document, which its digest covers. */
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** Media type by which the document was parsed. */
    readonly mediaType: typeof MEDIA_TYPES.dockerList;
    /** Parsed content of the document. */
    readonly list: DockerList;
  };

/** Parsed manifest of a single image or artifact, with its exact bytes. */
export interface ParsedImage {
  /** Format of the manifest, which tells the variants apart. */
  readonly kind: "oci-image" | "docker-image" | "docker-schema1";
  /** Exact bytes of the document, which its digest covers. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Media type by which the document was parsed. */
  readonly mediaType: string;
  /** Descriptor of the configuration; absent in schema 1, and in artifacts that some tools write. */
  readonly config?: Descriptor;
  /** Layers, base first. In schema 1 their size is {@linkcode UNKNOWN_SIZE}. */
  readonly layers: readonly Descriptor[];
  /** Artifact type; `undefined` if the manifest has none. */
  readonly artifactType?: string;
  /** Subject of the manifest: the manifest to which it refers. `undefined`: none. */
  readonly subject?: Descriptor;
}

/** Parsed manifest of any kind. */
export type ParsedManifest = ParsedIndex | ParsedImage;

/**
 * Returns whether a parsed manifest is an index of either kind.
 *
 * @example
 * ```ts
 * import { isIndex, MEDIA_TYPES, parseManifest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const text = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
 * assert.ok(isIndex(parseManifest(new TextEncoder().encode(text))));
 * ```
 */
export function isIndex(manifest: ParsedManifest): manifest is ParsedIndex {
  return manifest.kind === "oci-index" || manifest.kind === "docker-list";
}

/** Returns the entries of an index of either kind. */
export function getEntries(index: ParsedIndex): readonly (Descriptor | DockerListEntry)[] {
  return (index.kind === "oci-index" ? index.index.manifests : index.list.manifests) ?? [];
}

/**
 * Guesses a manifest's media type from its bytes alone, as container-libs does (`GuessMIMEType`). Returns `""` if it is
 * not a manifest. An index without `mediaType` and without entries is guessed to be an image manifest.
 */
export function guessMediaType(bytes: Uint8Array): string {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch {
    return "";
  }
  if (!isObject(value)) return "";
  const { mediaType, schemaVersion, signatures, config, manifests } = value;
  if (
    mediaType === MEDIA_TYPES.dockerManifest || mediaType === MEDIA_TYPES.dockerList ||
    mediaType === MEDIA_TYPES.ociManifest || mediaType === MEDIA_TYPES.ociIndex
  ) return mediaType;
  if (schemaVersion === 1) return signatures ? MEDIA_TYPES.dockerSchema1Signed : MEDIA_TYPES.dockerSchema1;
  if (schemaVersion !== 2) return "";
  const configType = isObject(config) && typeof config.mediaType === "string" ? config.mediaType : "";
  if (configType === MEDIA_TYPES.ociConfig) return MEDIA_TYPES.ociManifest;
  if (configType === MEDIA_TYPES.dockerConfig) return MEDIA_TYPES.dockerManifest;
  if (Array.isArray(manifests) && manifests.length > 0) return configType || MEDIA_TYPES.ociIndex;
  return MEDIA_TYPES.ociManifest;
}

const GUARDED_FIELDS = ["config", "fsLayers", "history", "layers", "manifests"];

/** Asserts that a document cannot also be read as another kind of manifest (CVE-2021-41190). */
function assertUnambiguous(from: StructReader, mediaType: string, allowed: readonly string[]): void {
  const unexpected = GUARDED_FIELDS.filter((field) => !allowed.includes(field) && from.has(field));
  if (unexpected.length > 0) {
    throw new ManifestsSyntaxError(
      "AMBIGUOUS_MANIFEST",
      `Cannot accept an ambiguous manifest: one of type ${mediaType} must not have ${unexpected.join(", ")}`,
    );
  }
}

/**
 * Parses a manifest of any kind and rejects ambiguous ones. Its media type is that of the document, else `mediaType`,
 * else guessed. Whether a document is schema 1 depends on the document alone, by the same rule as in
 * {@linkcode manifestDigest}: a document must never be digested as one kind and read as another.
 *
 * @param mediaType Media type that the source reported, such as a `Content-Type`. The document's own type overrides it.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `INVALID_JSON`, `INVALID_DIGEST`, `INVALID_MANIFEST`,
 * `AMBIGUOUS_MANIFEST` or `MANIFEST_TYPE_NOT_SUPPORTED`.
 *
 * @example
 * ```ts
 * import { MEDIA_TYPES, parseManifest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode(`{"schemaVersion":2,"manifests":[]}`);
 * const manifest = parseManifest(bytes, MEDIA_TYPES.ociIndex); // the media type that the registry reported
 * assert.equal(manifest.kind, "oci-index");
 * ```
 */
export function parseManifest(bytes: Uint8Array<ArrayBuffer>, mediaType?: string): ParsedManifest {
  const from = new StructReader(parseJson(bytes, "manifest").value, "manifest");
  const type = decideType(from, guessMediaType(bytes), mediaType);
  if (isIndexMediaType(type)) {
    assertUnambiguous(from, type, ["manifests"]);
    return type === MEDIA_TYPES.ociIndex
      ? { kind: "oci-index", bytes, mediaType: type, index: readOciIndex(from) }
      : { kind: "docker-list", bytes, mediaType: type, list: readDockerList(from) };
  }
  if (type === MEDIA_TYPES.ociManifest || type === MEDIA_TYPES.dockerManifest) return parseImage(from, bytes, type);
  if (isSchema1MediaType(type)) return parseSchema1(bytes, type);
  throw new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot parse a manifest: unsupported media type ${JSON.stringify(type)}`,
  );
}

function decideType(from: StructReader, guessed: string, declared: string | undefined): string {
  const stated = from.string("mediaType") ?? "";
  if (!isSchema1MediaType(guessed)) return stated || findTrustedType(declared) || guessed;
  if (stated === "" || isSchema1MediaType(stated)) return guessed;
  throw new ManifestsSyntaxError(
    "AMBIGUOUS_MANIFEST",
    `Cannot accept an ambiguous manifest: schemaVersion is 1, but mediaType is ${JSON.stringify(stated)}`,
  );
}

function findTrustedType(mediaType: string | undefined): string | undefined {
  const known: readonly string[] = Object.values(MEDIA_TYPES);
  const trusted = mediaType !== undefined && known.includes(mediaType) && !isSchema1MediaType(mediaType);
  return trusted ? mediaType : undefined;
}

function parseImage(from: StructReader, bytes: Uint8Array<ArrayBuffer>, mediaType: string): ParsedImage {
  assertUnambiguous(from, mediaType, ["config", "layers"]);
  if (!from.has("config") && !from.has("layers")) {
    throw new ManifestsSyntaxError("INVALID_MANIFEST", `Cannot parse ${mediaType}: it has no config and no layers`);
  }
  const config = readConfig(from);
  const artifactType = from.string("artifactType");
  const subject = from.struct("subject");
  return {
    kind: mediaType === MEDIA_TYPES.ociManifest ? "oci-image" : "docker-image",
    bytes,
    mediaType,
    ...(config ? { config } : {}),
    layers: (from.structs("layers") ?? []).map(readDescriptor),
    ...(artifactType ? { artifactType } : {}),
    ...(subject ? { subject: readDescriptor(subject) } : {}),
  };
}

/**
 * Reads the descriptor of the configuration. The specification requires it, but some tools write artifacts without it, or,
 * like Go, with an empty digest. As in Go, such manifests are accepted; the result is then `undefined`.
 */
function readConfig(from: StructReader): Descriptor | undefined {
  const config = from.struct("config");
  return config?.string("digest") ? readDescriptor(config) : undefined;
}

function parseSchema1(bytes: Uint8Array<ArrayBuffer>, mediaType: string): ParsedImage {
  // The digest of a signed manifest covers only the payload, so only the payload is read.
  const payload = mediaType === MEDIA_TYPES.dockerSchema1Signed ? signedPayload(bytes) : bytes;
  const from = new StructReader(parseJson(payload, "schema 1 manifest").value, "schema 1 manifest");
  if (from.integer("schemaVersion") !== 1) {
    throw new ManifestsSyntaxError(
      "INVALID_MANIFEST",
      "Cannot parse a schema 1 manifest: schemaVersion is not 1",
    );
  }
  assertUnambiguous(from, mediaType, ["fsLayers", "history"]);
  const layers = (from.structs("fsLayers") ?? []).map((layer): Descriptor => ({
    mediaType: MEDIA_TYPES.dockerLayerGzip,
    digest: parseDigest(layer.string("blobSum") ?? ""),
    size: UNKNOWN_SIZE,
  }));
  return { kind: "docker-schema1", bytes, mediaType, layers: layers.toReversed() };
}

/**
 * Computes the digest of a manifest: over its bytes, or, for signed schema 1, over the signed payload.
 *
 * @param algorithm Hash algorithm. Default: `sha256`.
 * @throws {ManifestsSyntaxError} With code `INVALID_MANIFEST` if the signature of a schema 1 manifest is malformed.
 *
 * @example
 * ```ts
 * import { digestOf, manifestDigest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode(`{"schemaVersion":2,"manifests":[]}`);
 * assert.equal(manifestDigest(bytes), digestOf(bytes));
 * ```
 */
export function manifestDigest(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  if (guessMediaType(bytes) !== MEDIA_TYPES.dockerSchema1Signed) return digestOf(bytes, algorithm);
  return digestOf(signedPayload(bytes), algorithm);
}

/** Throws {@linkcode DigestMismatchError} unless the bytes are those of the manifest with this digest. */
export function verifyManifestDigest(bytes: Uint8Array, expected: Digest, what: string): void {
  const actual = manifestDigest(bytes, digestAlgorithm(expected));
  if (actual !== expected) throw new DigestMismatchError(what, expected, actual);
}

/** Returns the payload of a JWS in Docker's "pretty" form: the first `formatLength` bytes, then `formatTail`. */
export function signedPayload(bytes: Uint8Array): Uint8Array {
  const from = new StructReader(parseJson(bytes, "schema 1 manifest").value, "schema 1 manifest");
  const encoded = from.structs("signatures")?.[0]?.string("protected") ?? "";
  const header = decodeBase64Url(encoded);
  const fields = header && new StructReader(parseJson(header, "JWS header").value, "JWS header");
  const length = fields?.integer("formatLength") ?? -1;
  const tail = decodeBase64Url(fields?.string("formatTail") ?? "");
  if (!tail || length < 0 || length > bytes.length) {
    throw new ManifestsSyntaxError(
      "INVALID_MANIFEST",
      "Cannot digest a schema 1 manifest: malformed signature",
    );
  }
  const payload = new Uint8Array(length + tail.length);
  payload.set(bytes.subarray(0, length));
  payload.set(tail, length);
  return payload;
}

function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/");
  return decodeBase64(padded + "=".repeat((4 - padded.length % 4) % 4));
}

/** Bytes of the empty JSON object `{}`, which OCI uses as an empty configuration. */
export const EMPTY_JSON: Uint8Array<ArrayBuffer> = encodeUtf8("{}");

/** Descriptor of {@linkcode EMPTY_JSON}, with inline data (image-spec manifest.md, "Guidance for an Empty Descriptor"). */
export const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: MEDIA_TYPES.ociEmpty,
  // Written here instead of computed: computing it would load a hash at every start.
  digest: parseDigest("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
  size: EMPTY_JSON.length,
  data: EMPTY_JSON,
};
