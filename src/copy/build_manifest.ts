import {
  convertFromSchema1,
  convertToDockerManifest,
  convertToOciManifest,
  convertToSchema1,
  type Descriptor,
  type Digest,
  isSchema1MediaType,
  layerMediaType,
  MEDIA_TYPES,
  type NamedReference,
  type ParsedImage,
  renameSchema1,
  replaceLayers,
  replaceSchema1Layers,
  schema1EmptyLayers,
} from "../spec/room.ts";
import { baseAlgorithm, withoutChunkedAnnotations } from "./recoding/mod.ts";
import type { LayerForm } from "./layer_policy.ts";
import type { MovedBlob } from "./move_blob.ts";
import type { PlannedImage } from "./plan_types.ts";

/** Options of {@linkcode buildManifest}. */
export interface BuildOptions {
  /** The layers at the destination, in the order of the planned layers. */
  readonly layers: readonly MovedBlob[];
  /** The name at the destination, which schema 1 contains. `undefined`: the destination has none. */
  readonly name: NamedReference | undefined;
  /** Reads the configuration of the image from the source. */
  readonly readConfig: () => Promise<Uint8Array<ArrayBuffer>>;
  /** Computes the digests of the uncompressed layers. */
  readonly readDiffIds: () => Promise<readonly (Digest | undefined)[]>;
}

/** A manifest that is ready to be written. */
export interface BuiltManifest {
  /** The manifest to write, with its bytes. */
  readonly image: ParsedImage;
  /** The new configuration to write; `undefined`: the source's configuration is used, or none. */
  readonly config: Uint8Array<ArrayBuffer> | undefined;
}

/** Builds the manifest of an image in a media type, with the layers at the destination; returns its original bytes if nothing changes. */
export async function buildManifest(image: PlannedImage, type: string, options: BuildOptions): Promise<BuiltManifest> {
  const { manifest } = image;
  if (isSchema1MediaType(manifest.mediaType)) return await buildFromSchema1(image, type, options);
  if (isSchema1MediaType(type)) return await buildSchema1(image, options);
  const toOci = manifest.kind === "docker-image" && type === MEDIA_TYPES.ociManifest;
  // Layers are replaced while the manifest is in OCI's format, which has a media type for each compression.
  const first = toOci
    ? convertToOciManifest(manifest, await options.readConfig())
    : { image: manifest, config: undefined };
  const named = withLayers(first.image, image, options.layers);
  const toDocker = manifest.kind === "oci-image" && type === MEDIA_TYPES.dockerManifest;
  return { image: toDocker ? convertToDockerManifest(named) : named, config: first.config };
}

async function buildFromSchema1(image: PlannedImage, type: string, options: BuildOptions): Promise<BuiltManifest> {
  const { manifest, fixed } = image;
  const layers = options.layers.map(({ digest, size }, i) => ({ ...manifest.layers[i]!, digest, size }));
  if (isSchema1MediaType(type)) {
    const isSame = layers.every(({ digest }, i) => digest === manifest.layers[i]!.digest);
    const edited = isSame ? manifest : await replaceSchema1Layers(manifest, layers);
    // The name is part of the signed bytes, so it is kept if the manifest must not change.
    const named = options.name && !fixed ? await renameSchema1(edited, getEmbeddedName(options.name)) : edited;
    return { image: named, config: undefined };
  }
  const docker = convertFromSchema1(manifest, await options.readDiffIds(), { layers });
  if (type === MEDIA_TYPES.dockerManifest) return docker;
  const oci = convertToOciManifest(docker.image, docker.config);
  const empty = schema1EmptyLayers(manifest);
  const moved = options.layers.filter((_, i) => !empty[i]);
  const named = replaceLayers(oci.image, oci.image.layers.map((layer, i) => describeLayer(layer, moved[i])));
  return { image: named, config: oci.config };
}

async function buildSchema1(image: PlannedImage, options: BuildOptions): Promise<BuiltManifest> {
  const layers = image.layers.map(({ descriptor }, i) => describeLayer(descriptor, options.layers[i]));
  const names = options.name ? getEmbeddedName(options.name) : { name: "", tag: "" };
  const config = await options.readConfig();
  return { image: await convertToSchema1(image.manifest, config, { ...names, layers }), config: undefined };
}

function getEmbeddedName({ path, tag = "" }: NamedReference): { name: string; tag: string } {
  return { name: path, tag };
}

/** Replaces the layers of a manifest by those at the destination; returns the manifest itself if none differs. */
function withLayers(manifest: ParsedImage, image: PlannedImage, moved: readonly MovedBlob[]): ParsedImage {
  const planned = image.layers.map(({ descriptor }) => descriptor);
  const isSame = (layer: Descriptor, i: number) =>
    layer.digest === image.manifest.layers[i]!.digest && (moved[i]?.digest ?? layer.digest) === layer.digest;
  if (planned.every(isSame)) return manifest;
  const layers = planned.map((descriptor, i) => {
    // The media type must belong to the format of the manifest that is written.
    const mediaType = descriptor.digest === image.manifest.layers[i]!.digest
      ? manifest.layers[i]!.mediaType
      : toPlainType(manifest, descriptor);
    return describeLayer({ ...descriptor, mediaType }, moved[i]);
  });
  return replaceLayers(manifest, layers);
}

/** Returns the media type of an uncompressed layer of the source, which may have described it with Docker's type. */
function toPlainType(manifest: ParsedImage, { mediaType }: Descriptor): string {
  if (manifest.kind === "oci-image" && mediaType === MEDIA_TYPES.dockerLayer) return MEDIA_TYPES.ociLayer;
  return mediaType;
}

/** Returns the descriptor of a layer after it was moved. If its bytes changed, URLs, data and annotations about the old bytes are dropped. */
function describeLayer(layer: Descriptor, moved: MovedBlob | undefined): Descriptor {
  if (!moved || moved.digest === layer.digest) return layer;
  const { urls: _urls, data: _data, annotations = {}, ...rest } = layer;
  const kept = { ...withoutChunkedAnnotations(annotations), ...moved.annotations };
  return {
    ...rest,
    mediaType: layerMediaType(layer.mediaType, toCompression(moved.form)),
    digest: moved.digest,
    size: moved.size,
    ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}),
  };
}

function toCompression(form: LayerForm): "gzip" | "zstd" | "uncompressed" | "keep" {
  if (form === "uncompressed" || form === undefined) return form ?? "keep";
  return form === "gzip" || form === "zstd" || form === "zstd:chunked" ? baseAlgorithm(form) : "keep";
}
