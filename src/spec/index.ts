import { type Descriptor, descriptorJson, readDescriptor, readDigest, readSize } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { encodeGoJson, type GoJsonValue, nonEmpty, parseJson, sortedMap, StructReader } from "../json/room.ts";
import { MEDIA_TYPES } from "./media_types.ts";
import { createPlatform, isEmptyPlatform, type Platform, platformJson, readPlatform } from "./platform.ts";

/** An OCI image index (image-spec image-index.md). */
export interface OciIndex {
  /** Always 2. */
  readonly schemaVersion: 2;
  /** Its own media type. */
  readonly mediaType: typeof MEDIA_TYPES.ociIndex;
  /** Type of the artifact, where the index is one. */
  readonly artifactType?: string;
  /** The instances; `null` where Go would write `null`: an index that never had any. */
  readonly manifests: readonly Descriptor[] | null;
  /** The manifest that this index is about. */
  readonly subject?: Descriptor;
  /** Arbitrary metadata. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A platform in a Docker list, which also has CPU features. */
export interface DockerPlatform extends Platform {
  /** Required CPU features. */
  readonly features?: readonly string[];
}

/** An instance of a Docker list. */
export interface DockerListEntry {
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** Size of the manifest in bytes. */
  readonly size: number;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** Where else the manifest may be downloaded. */
  readonly urls?: readonly string[];
  /** Always written, though it may be empty. */
  readonly platform: DockerPlatform;
}

/** A Docker manifest list, version 2 schema 2. */
export interface DockerList {
  /** Always 2. */
  readonly schemaVersion: 2;
  /** Its own media type. */
  readonly mediaType: typeof MEDIA_TYPES.dockerList;
  /** The instances; `null` where Go would write `null`: a list that never had any. */
  readonly manifests: readonly DockerListEntry[] | null;
}

/** Parses an OCI index. Throws an error with code `INVALID_JSON` or `INVALID_DIGEST` that names the place. */
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

/** The bytes of an OCI index, equal to those that Go writes. */
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

/** Parses a Docker manifest list. Throws an error with code `INVALID_JSON` or `INVALID_DIGEST` that names the place. */
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

/** The bytes of a Docker manifest list, equal to those that Go writes (size before digest, unlike OCI). */
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
 * An OCI index as a Docker list. Annotations, artifact types, subject and inline data have no place there and are lost.
 *
 * @param defaultPlatform What an instance without a platform gets, since Docker demands one: Go takes the host's.
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

/** A Docker list as an OCI index. CPU features have no place there and are lost. */
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
