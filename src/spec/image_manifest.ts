import { type Descriptor, descriptorJson, readDescriptor } from "./descriptor.ts";
import { encodeGoJson, type GoJsonValue, nonEmpty, parseJson, sortedMap, StructReader } from "../json/room.ts";
import { type ParsedImage, parseManifest } from "./manifest.ts";
import { MEDIA_TYPES } from "./media_types.ts";

/** The parts of which every image manifest consists. */
export interface ImageParts {
  /** The configuration. */
  readonly config: Descriptor;
  /** The layers, base first. */
  readonly layers: readonly Descriptor[];
}

/** An OCI manifest of these parts and nothing else, with the bytes that Go writes. */
export function createOciManifest({ config, layers }: ImageParts): ParsedImage {
  return parseWritten([
    ["schemaVersion", 2],
    ["mediaType", MEDIA_TYPES.ociManifest],
    ["config", descriptorJson(config)],
    ["layers", layers.map(ociLayerJson)],
  ], MEDIA_TYPES.ociManifest);
}

/** A Docker manifest, version 2 schema 2, of these parts, with the bytes that Go writes. */
export function createDockerManifest({ config, layers }: ImageParts): ParsedImage {
  return parseWritten([
    ["schemaVersion", 2],
    ["mediaType", MEDIA_TYPES.dockerManifest],
    ["config", dockerDescriptorJson(config)],
    ["layers", layers.map(dockerDescriptorJson)],
  ], MEDIA_TYPES.dockerManifest);
}

/** An OCI manifest with other layers, and of the rest what the specification knows. */
export function withOciLayers(image: ParsedImage, layers: readonly Descriptor[]): ParsedImage {
  const from = new StructReader(parseJson(image.bytes, "manifest").value, "manifest");
  const config = from.struct("config");
  const subject = from.struct("subject");
  return parseWritten([
    ["schemaVersion", from.integer("schemaVersion") ?? 0],
    ["mediaType", nonEmpty(from.string("mediaType"))],
    ["artifactType", nonEmpty(from.string("artifactType"))],
    ["config", config && descriptorJson(readDescriptor(config))],
    ["layers", layers.map(ociLayerJson)],
    ["subject", subject && descriptorJson(readDescriptor(subject))],
    ["annotations", sortedMap(from.stringMap("annotations"))],
  ], MEDIA_TYPES.ociManifest);
}

/** A layer that is written anew keeps no inline data: that would be the data of the old one. */
function ociLayerJson(layer: Descriptor): GoJsonValue {
  const { mediaType, digest, size, urls = [], annotations = {} } = requireSize(layer);
  return descriptorJson({ mediaType, digest, size, urls, annotations });
}

/** Docker writes the size before the digest. */
function dockerDescriptorJson(descriptor: Descriptor): GoJsonValue {
  const { mediaType, size, digest, urls } = requireSize(descriptor);
  return new Map<string, GoJsonValue | undefined>([
    ["mediaType", mediaType],
    ["size", size],
    ["digest", digest],
    ["urls", nonEmpty(urls)],
  ]);
}

function requireSize(descriptor: Descriptor): Descriptor {
  if (descriptor.size >= 0) return descriptor;
  throw new RangeError(`Cannot write ${descriptor.digest} into a manifest as its size is not known`);
}

/** What was written is read again, so that what is returned is what everybody else will read. */
function parseWritten(
  members: readonly (readonly [string, GoJsonValue | undefined])[],
  mediaType: string,
): ParsedImage {
  return parseManifest(encodeGoJson(new Map(members)), mediaType) as ParsedImage;
}
