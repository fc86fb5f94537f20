import { type Descriptor, descriptorJson, readDescriptor, readDigest, readSize } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { encodeGoJson, type GoJsonValue, nonEmpty, parseJson, sortedMap, StructReader } from "../json/room.ts";
import { MEDIA_TYPES } from "./media_types.ts";
import { createPlatform, isEmptyPlatform, type Platform, platformJson, readPlatform } from "./platform.ts";

/** OCI image index (image-spec image-index.md). */
export interface OciIndex {
  /** Version of the schema: always 2. */
  readonly schemaVersion: 2;
  /** Media type of the document, which it contains. */
  readonly mediaType: typeof MEDIA_TYPES.ociIndex;
  /** Artifact type; `undefined` if the index is not an artifact. */
  readonly artifactType?: string;
  /** Entries; `null` if Go would write `null`, for an index that never had an entry. */
  readonly manifests: readonly Descriptor[] | null;
  /** Subject of the index: the manifest to which it refers. `undefined`: none. */
  readonly subject?: Descriptor;
  /** Annotations of the index itself, by key. `undefined`: none. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Platform in a Docker list, which can also name CPU features. */
export interface DockerPlatform extends Platform {
  /** Required features of the CPU, such as `sse4`. `undefined`: none. */
  readonly features?: readonly string[];
}

/** Entry of a Docker list, for one platform. */
export interface DockerListEntry {
  /** Media type of the manifest that is named. */
  readonly mediaType: string;
  /** Size of the manifest in bytes. */
  readonly size: number;
  /** Digest of the manifest, which identifies it. */
  readonly digest: Digest;
  /** Further URLs from which the manifest can be downloaded. `undefined`: none. */
  readonly urls?: readonly string[];
  /** Platform of the entry; always written, even if it is empty. */
  readonly platform: DockerPlatform;
}

/** Docker manifest list, version 2 schema 2. */
export interface DockerList {
  /** Version of the schema: always 2. */
  readonly schemaVersion: 2;
  /** Media type of the document, which it contains. */
  readonly mediaType: typeof MEDIA_TYPES.dockerList;
  /** Entries; `null` if Go would write `null`, for a list that never had an entry. */
  readonly manifests: readonly DockerListEntry[] | null;
}

/**
 * Parses an OCI index.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` or `INVALID_DIGEST`; the message names the member.
 *
 * @example
 * ```ts
 * import { MEDIA_TYPES, parseOciIndex } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const annotations = { "org.opencontainers.image.version": "1" };
 * const text = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], annotations });
 * assert.deepEqual(parseOciIndex(new TextEncoder().encode(text)).annotations, annotations);
 * ```
 */
export function parseOciIndex(bytes: Uint8Array): OciIndex {
  return readOciIndex(new StructReader(parseJson(bytes, "image index").value, "image index"));
}

/** Reads an OCI index from parsed JSON. */
export function readOciIndex(from: StructReader): OciIndex {
  const artifactType = from.string("artifactType");
  const subject = from.struct("subject");
  const annotations = from.stringMap("annotations");
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    ...(artifactType ? { artifactType } : {}),
    manifests: from.structs("manifests")?.map(readDescriptor) ?? null,
    ...(subject ? { subject: readDescriptor(subject) } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

/**
 * Serializes an OCI index to the bytes that Go writes.
 *
 * @example
 * ```ts
 * import { MEDIA_TYPES, parseOciIndex, serializeOciIndex } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] } as const;
 * assert.deepEqual(parseOciIndex(serializeOciIndex(index)), index);
 * ```
 */
export function serializeOciIndex(index: OciIndex): Uint8Array<ArrayBuffer> {
  return encodeGoJson(
    new Map<string, GoJsonValue | undefined>([
      ["schemaVersion", index.schemaVersion],
      ["mediaType", index.mediaType],
      ["artifactType", nonEmpty(index.artifactType)],
      ["manifests", index.manifests?.map(descriptorJson) ?? null],
      ["subject", index.subject && descriptorJson(index.subject)],
      ["annotations", sortedMap(index.annotations)],
    ]),
  );
}

function readDockerEntry(from: StructReader): DockerListEntry {
  const urls = from.strings("urls");
  const platform = from.struct("platform");
  const features = platform?.strings("features");
  return {
    mediaType: from.string("mediaType") ?? "",
    size: readSize(from),
    digest: readDigest(from),
    ...(urls?.length ? { urls } : {}),
    platform: {
      ...(platform ? readPlatform(platform) : createPlatform({})),
      ...(features?.length ? { features } : {}),
    },
  };
}

/**
 * Parses a Docker manifest list.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` or `INVALID_DIGEST`; the message names the member.
 *
 * @example
 * ```ts
 * import { MEDIA_TYPES, parseDockerList } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const text = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.dockerList, manifests: [] });
 * assert.deepEqual(parseDockerList(new TextEncoder().encode(text)).manifests, []);
 * ```
 */
export function parseDockerList(bytes: Uint8Array): DockerList {
  return readDockerList(new StructReader(parseJson(bytes, "manifest list").value, "manifest list"));
}

/** Reads a Docker manifest list from parsed JSON. */
export function readDockerList(from: StructReader): DockerList {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.dockerList,
    manifests: from.structs("manifests")?.map(readDockerEntry) ?? null,
  };
}

function dockerEntryJson(entry: DockerListEntry): Map<string, GoJsonValue | undefined> {
  return new Map<string, GoJsonValue | undefined>([
    ["mediaType", entry.mediaType],
    ["size", entry.size],
    ["digest", entry.digest],
    ["urls", nonEmpty(entry.urls)],
    ["platform", platformJson(entry.platform).set("features", nonEmpty(entry.platform.features))],
  ]);
}

/**
 * Serializes a Docker manifest list to the bytes that Go writes; unlike in OCI, the size precedes the digest.
 *
 * @example
 * ```ts
 * import { MEDIA_TYPES, serializeDockerList } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const bytes = serializeDockerList({ schemaVersion: 2, mediaType: MEDIA_TYPES.dockerList, manifests: [] });
 * assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes)).manifests, []);
 * ```
 */
export function serializeDockerList(list: DockerList): Uint8Array<ArrayBuffer> {
  return encodeGoJson(
    new Map<string, GoJsonValue>([
      ["schemaVersion", list.schemaVersion],
      ["mediaType", list.mediaType],
      ["manifests", list.manifests?.map(dockerEntryJson) ?? null],
    ]),
  );
}

/**
 * Converts an OCI index to a Docker list. Annotations, artifact types, the subject and inline data are lost, because the
 * Docker format has no members for them.
 *
 * @param defaultPlatform Platform of entries that have none, because Docker requires one. Go uses the host's platform.
 *
 * @example
 * ```ts
 * import { convertToDockerList, MEDIA_TYPES } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] } as const;
 * const list = convertToDockerList(index, { os: "linux", architecture: "amd64" });
 * assert.equal(list.mediaType, MEDIA_TYPES.dockerList);
 * ```
 */
export function convertToDockerList(index: OciIndex, defaultPlatform: Platform): DockerList {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.dockerList,
    manifests: index.manifests?.map((entry) => ({
      mediaType: entry.mediaType,
      size: entry.size,
      digest: entry.digest,
      ...(entry.urls ? { urls: entry.urls } : {}),
      platform: entry.platform && !isEmptyPlatform(entry.platform) ? entry.platform : defaultPlatform,
    })) ?? null,
  };
}

/**
 * Converts a Docker list to an OCI index. CPU features are lost, because the OCI format has no member for them.
 *
 * @example
 * ```ts
 * import { convertToOciIndex, MEDIA_TYPES } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const index = convertToOciIndex({ schemaVersion: 2, mediaType: MEDIA_TYPES.dockerList, manifests: [] });
 * assert.equal(index.mediaType, MEDIA_TYPES.ociIndex);
 * ```
 */
export function convertToOciIndex(list: DockerList): OciIndex {
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: list.manifests?.map((entry) => ({
      mediaType: entry.mediaType,
      digest: entry.digest,
      size: entry.size,
      ...(entry.urls ? { urls: entry.urls } : {}),
      platform: createPlatform(entry.platform),
    })) ?? null,
  };
}
