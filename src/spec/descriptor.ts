import { type Digest, isWellFormedDigest } from "./digest.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { base64OrNothing, type GoJsonValue, nonEmpty, sortedMap, type StructReader } from "../json/room.ts";
import { type Platform, platformJson, readPlatform } from "./platform.ts";

/** Descriptor of content: its type, digest and size (image-spec descriptor.md). */
export interface Descriptor {
  /** Media type of the content. */
  readonly mediaType: string;
  /** Digest of the content, which identifies it. */
  readonly digest: Digest;
  /** Size of the content in bytes, or {@linkcode UNKNOWN_SIZE}. */
  readonly size: number;
  /** Further URLs from which the content can be downloaded. `undefined`: none. */
  readonly urls?: readonly string[];
  /** Annotations of the content, by key. `undefined`: none. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Content itself, embedded in the descriptor. `undefined`: it is not embedded. */
  readonly data?: Uint8Array<ArrayBuffer>;
  /** Platform of an index entry; `undefined` if it has none. */
  readonly platform?: Platform;
  /** Artifact type; `undefined` if the content is not an artifact. */
  readonly artifactType?: string;
}

/** Value of `size` if only the digest of the content is known, as for the layers of Docker schema 1. */
export const UNKNOWN_SIZE: number = -1;

/** Reads the digest of a descriptor. Its algorithm may be unsupported. Throws `INVALID_DIGEST`. */
export function readDigest(from: StructReader): Digest {
  const text = from.string("digest") ?? "";
  if (!isWellFormedDigest(text)) {
    throw new ManifestsSyntaxError(
      "INVALID_DIGEST",
      `Cannot read ${from.path}.digest of ${from.what}: not a digest: current value is ${
        JSON.stringify(text.slice(0, 256))
      }`,
    );
  }
  return text;
}

/** Reads the size of a descriptor. Throws `INVALID_JSON` if it is negative. */
export function readSize(from: StructReader): number {
  const size = from.integer("size") ?? 0;
  if (size < 0) from.fail("size", "a size in bytes");
  return size;
}

/** Reads a descriptor. Throws `INVALID_JSON` or `INVALID_DIGEST`. */
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

/** Returns the members of an OCI descriptor, in the order in which Go writes them. */
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
