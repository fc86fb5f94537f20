import { type Digest, isWellFormedDigest } from "./digest.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { base64OrNothing, type GoJsonValue, nonEmpty, sortedMap, type StructReader } from "../json/room.ts";
import { type Platform, platformJson, readPlatform } from "./platform.ts";

/** A content descriptor (image-spec descriptor.md). */
export interface Descriptor {
  /** Media type of the content. */
  readonly mediaType: string;
  /** Digest of the content. */
  readonly digest: Digest;
  /** Size of the content in bytes, or {@linkcode UNKNOWN_SIZE}. */
  readonly size: number;
  /** Where else the content may be downloaded. */
  readonly urls?: readonly string[];
  /** Arbitrary metadata. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, embedded. */
  readonly data?: Uint8Array<ArrayBuffer>;
  /** Platform, in an index. */
  readonly platform?: Platform;
  /** Type of the artifact, where the content is one. */
  readonly artifactType?: string;
}

/** The size of content of which only the digest is known, as with the layers of Docker schema 1. */
export const UNKNOWN_SIZE: number = -1;

/** Returns a descriptor's digest, checked; its algorithm may be one that is not supported. */
export function readDigest(from: StructReader): Digest {
  const text = from.string("digest") ?? "";
  if (!isWellFormedDigest(text)) {
    throw new ManifestsSyntaxError(
      "INVALID_DIGEST",
      `Cannot read ${from.path}.digest of ${from.what} as it is not a digest: current value is ${
        JSON.stringify(text.slice(0, 256))
      }`,
    );
  }
  return text;
}

/** A descriptor's size, checked. */
export function readSize(from: StructReader): number {
  const size = from.integer("size") ?? 0;
  if (size < 0) from.fail("size", "a size in bytes");
  return size;
}

/** Reads a descriptor. */
export function readDescriptor(from: StructReader): Descriptor {
  const platform = from.struct("platform");
  const urls = from.strings("urls");
  const annotations = from.stringMap("annotations");
  const data = from.bytes("data");
  const artifactType = from.string("artifactType");
  return {
    mediaType: from.string("mediaType") ?? "",
    digest: readDigest(from),
    size: readSize(from),
    ...(urls?.length ? { urls } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(data?.length ? { data } : {}),
    ...(platform ? { platform: readPlatform(platform) } : {}),
    ...(artifactType ? { artifactType } : {}),
  };
}

/** The members of an OCI descriptor in the order in which Go writes them. */
export function descriptorJson(descriptor: Descriptor): Map<string, GoJsonValue | undefined> {
  return new Map<string, GoJsonValue | undefined>([
    ["mediaType", descriptor.mediaType],
    ["digest", descriptor.digest],
    ["size", descriptor.size],
    ["urls", nonEmpty(descriptor.urls)],
    ["annotations", sortedMap(descriptor.annotations)],
    ["data", base64OrNothing(descriptor.data)],
    ["platform", descriptor.platform && platformJson(descriptor.platform)],
    ["artifactType", nonEmpty(descriptor.artifactType)],
  ]);
}
