import { type Descriptor, descriptorJson, readDescriptor } from "./descriptor.ts";
import { encodeGoJson, type GoJsonValue, nonEmpty, parseJson, sortedMap, StructReader } from "../json/room.ts";
import { type ParsedImage, parseManifest } from "./manifest.ts";
import { MEDIA_TYPES } from "./media_types.ts";

/** Parts of every image manifest. */
export interface ImageParts {
  /** Descriptor of the image configuration. */
  readonly config: Descriptor;
  /** Descriptors of the layers, base first. */
  readonly layers: readonly Descriptor[];
}

/** Creates an OCI manifest of these parts, with the bytes that Go writes. */
export function createOciManifest({ config, layers }: ImageParts): ParsedImage {
  return parseWritten([
    ["schemaVersion", 2],
    ["mediaType", MEDIA_TYPES.ociManifest],
    ["config", descriptorJson(config)],
    ["layers", layers.map(ociLayerJson)],
  ], MEDIA_TYPES.ociManifest);
}

/** Creates a Docker manifest, version 2 schema 2, of these parts, with the bytes that Go writes. */
export function createDockerManifest({ config, layers }: ImageParts): ParsedImage {
  return parseWritten([
    ["schemaVersion", 2],
    ["mediaType", MEDIA_TYPES.dockerManifest],
    ["config", dockerDescriptorJson(config)],
    ["layers", layers.map(dockerDescriptorJson)],
  ], MEDIA_TYPES.dockerManifest);
}

/** Returns an OCI manifest with other layers. Members that the specification does not define are dropped. */
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

/** Encodes a replaced layer without inline data, which would be the data of the old layer. */
function ociLayerJson(layer: Descriptor): GoJsonValue {
  const { mediaType, digest, size, urls = [], annotations = {} } = assertKnownSize(layer);
  return descriptorJson({ mediaType, digest, size, urls, annotations });
}

/** Encodes a descriptor as Docker does, with the size before the digest. */
function dockerDescriptorJson(descriptor: Descriptor): GoJsonValue {
  const { mediaType, size, digest, urls } = assertKnownSize(descriptor);
  return new Map<string, GoJsonValue | undefined>([
    ["mediaType", mediaType],
    ["size", size],
    ["digest", digest],
    ["urls", nonEmpty(urls)],
  ]);
}

function assertKnownSize(descriptor: Descriptor): Descriptor {
  if (descriptor.size >= 0) return descriptor;
  throw new RangeError(`Cannot write ${descriptor.digest} into a manifest: its size is not known`);
}

/** Encodes a manifest and parses the result, so that the returned value is what other readers will see. */
function parseWritten(
  members: readonly (readonly [string, GoJsonValue | undefined])[],
  mediaType: string,
): ParsedImage {
  return parseManifest(encodeGoJson(new Map(members)), mediaType) as ParsedImage;
}
