import { decodeBase64, decodeUtf8, encodeUtf8 } from "../internal/room.ts";
import { type Descriptor, readDescriptor, UNKNOWN_SIZE } from "./descriptor.ts";
import { type Digest, type DigestAlgorithm, digestAlgorithm, digestOf, parseDigest } from "./digest.ts";
import { DigestMismatchError, ManifestsError, ManifestsSyntaxError } from "../errors/room.ts";
import { type DockerList, type DockerListEntry, type OciIndex, readDockerList, readOciIndex } from "./index.ts";
import { isObject, parseJson, StructReader } from "../json/room.ts";
import { isIndexMediaType, isSchema1MediaType, MEDIA_TYPES } from "./media_types.ts";

/** How large a manifest may be, in bytes: 4 MiB, what the distribution specification asks registries to accept. */
export const MAX_MANIFEST_SIZE: number = 4 * 1024 * 1024;

/** How large an image configuration may be, in bytes: 8 MiB. */
export const MAX_CONFIG_SIZE: number = 8 * 1024 * 1024;

/** An index, parsed, with the bytes that it was parsed from. */
export type ParsedIndex =
  | {
    /** Tells the variants apart. */
    readonly kind: "oci-index";
    /** The exact bytes. */
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** Its media type. */
    readonly mediaType: typeof MEDIA_TYPES.ociIndex;
    /** The document. */
    readonly index: OciIndex;
  }
  | {
    /** Tells the variants apart. */
    readonly kind: "docker-list";
    /** The exact bytes. */
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** Its media type. */
    readonly mediaType: typeof MEDIA_TYPES.dockerList;
    /** The document. */
    readonly list: DockerList;
  };

/** The manifest of a single image or artifact, parsed, with the bytes that it was parsed from. */
export interface ParsedImage {
  /** Tells the variants apart. */
  readonly kind: "oci-image" | "docker-image" | "docker-schema1";
  /** The exact bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its media type. */
  readonly mediaType: string;
  /** The configuration; absent in schema 1, and in artifacts of tools that leave it out. */
  readonly config?: Descriptor;
  /** The layers, base first. In schema 1 their size is {@linkcode UNKNOWN_SIZE}. */
  readonly layers: readonly Descriptor[];
  /** Type of the artifact, where it is one that says so. */
  readonly artifactType?: string;
  /** The manifest that this one is about. */
  readonly subject?: Descriptor;
}

/** A manifest of any kind. */
export type ParsedManifest = ParsedIndex | ParsedImage;

/** Whether a parsed manifest is an index. */
export function isIndex(manifest: ParsedManifest): manifest is ParsedIndex {
  return manifest.kind === "oci-index" || manifest.kind === "docker-list";
}

/** The entries of an index of either kind. */
export function getEntries(index: ParsedIndex): readonly (Descriptor | DockerListEntry)[] {
  return (index.kind === "oci-index" ? index.index.manifests : index.list.manifests) ?? [];
}

/**
 * Guesses a manifest's media type from its bytes alone, as container-libs does (`GuessMIMEType`); `""` where it is
 * none. An index without `mediaType` and without instances is taken for an image manifest.
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

/** Refuses a document that could be read as another kind of manifest than it claims to be (CVE-2021-41190). */
function refuseAmbiguous(from: StructReader, mediaType: string, allowed: readonly string[]): void {
  const unexpected = GUARDED_FIELDS.filter((field) => !allowed.includes(field) && from.has(field));
  if (unexpected.length > 0) {
    throw new ManifestsSyntaxError(
      "AMBIGUOUS_MANIFEST",
      `Cannot accept an ambiguous manifest: unexpected fields ${unexpected.join(", ")} in supposedly ${mediaType}`,
    );
  }
}

/**
 * Parses a manifest of any kind and refuses ambiguous ones. The media type is the one inside the document where it
 * has one, else `mediaType`, else guessed. Whether a document is schema 1 is decided by the document alone, exactly as
 * {@linkcode manifestDigest} decides it: what is digested as one thing must never be read as another.
 *
 * @param mediaType What the source said that it is, such as a `Content-Type`; not believed against the document.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `INVALID_JSON`, `INVALID_DIGEST`, `INVALID_MANIFEST`,
 * `AMBIGUOUS_MANIFEST` or `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function parseManifest(bytes: Uint8Array<ArrayBuffer>, mediaType?: string): ParsedManifest {
  const from = new StructReader(parseJson(bytes, "manifest").value, "manifest");
  const type = decideType(from, guessMediaType(bytes), mediaType);
  if (isIndexMediaType(type)) {
    refuseAmbiguous(from, type, ["manifests"]);
    return type === MEDIA_TYPES.ociIndex
      ? { kind: "oci-index", bytes, mediaType: type, index: readOciIndex(from) }
      : { kind: "docker-list", bytes, mediaType: type, list: readDockerList(from) };
  }
  if (type === MEDIA_TYPES.ociManifest || type === MEDIA_TYPES.dockerManifest) return parseImage(from, bytes, type);
  if (isSchema1MediaType(type)) return parseSchema1(bytes, type);
  throw new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot parse a manifest as its type is not supported: current value is ${JSON.stringify(type)}`,
  );
}

function decideType(from: StructReader, guessed: string, declared: string | undefined): string {
  const own = from.string("mediaType") ?? "";
  if (!isSchema1MediaType(guessed)) return own || trustedType(declared) || guessed;
  if (own === "" || isSchema1MediaType(own)) return guessed;
  throw new ManifestsSyntaxError(
    "AMBIGUOUS_MANIFEST",
    `Cannot accept an ambiguous manifest: it is schema 1 by its version, but says that it is ${JSON.stringify(own)}`,
  );
}

function trustedType(mediaType: string | undefined): string | undefined {
  const known: readonly string[] = Object.values(MEDIA_TYPES);
  const trusted = mediaType !== undefined && known.includes(mediaType) && !isSchema1MediaType(mediaType);
  return trusted ? mediaType : undefined;
}

function parseImage(from: StructReader, bytes: Uint8Array<ArrayBuffer>, mediaType: string): ParsedImage {
  refuseAmbiguous(from, mediaType, ["config", "layers"]);
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
 * Reads the configuration. The specification demands one, but tools also write artifacts without it, or, like Go, with
 * an empty digest: as in Go, such manifests are read, and have none.
 */
function readConfig(from: StructReader): Descriptor | undefined {
  const config = from.struct("config");
  return config?.string("digest") ? readDescriptor(config) : undefined;
}

function parseSchema1(bytes: Uint8Array<ArrayBuffer>, mediaType: string): ParsedImage {
  // Of a signed manifest only the payload is covered by its digest, so only the payload is read.
  const payload = mediaType === MEDIA_TYPES.dockerSchema1Signed ? signedPayload(bytes) : bytes;
  const from = new StructReader(parseJson(payload, "schema 1 manifest").value, "schema 1 manifest");
  if (from.integer("schemaVersion") !== 1) {
    throw new ManifestsSyntaxError(
      "INVALID_MANIFEST",
      "Cannot parse a schema 1 manifest as its schemaVersion is not 1",
    );
  }
  refuseAmbiguous(from, mediaType, ["fsLayers", "history"]);
  const layers = (from.structs("fsLayers") ?? []).map((layer): Descriptor => ({
    mediaType: MEDIA_TYPES.dockerLayerGzip,
    digest: parseDigest(layer.string("blobSum") ?? ""),
    size: UNKNOWN_SIZE,
  }));
  return { kind: "docker-schema1", bytes, mediaType, layers: layers.toReversed() };
}

/**
 * The digest by which a manifest is known: of its bytes, except for signed schema 1, whose signed payload is hashed.
 *
 * @param algorithm Default `sha256`.
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

/** The payload of a JWS in Docker's "pretty" form: the first `formatLength` bytes, then `formatTail`. */
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
      "Cannot digest a schema 1 manifest as its signature is malformed",
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

/** The empty JSON object `{}`, OCI's content for a configuration that says nothing. */
export const EMPTY_JSON: Uint8Array<ArrayBuffer> = encodeUtf8("{}");

/** The descriptor of {@linkcode EMPTY_JSON}, with its data inline (image-spec manifest.md, "Guidance for an Empty Descriptor"). */
export const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: MEDIA_TYPES.ociEmpty,
  digest: digestOf(EMPTY_JSON),
  size: EMPTY_JSON.length,
  data: EMPTY_JSON,
};
