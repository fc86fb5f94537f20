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

/** What {@linkcode buildManifest} needs. */
export interface BuildOptions {
  /** The layers as they are at the destination. */
  readonly layers: readonly MovedBlob[];
  /** Where the image goes: schema 1 has the name inside. */
  readonly name: NamedReference | undefined;
  /** Reads the configuration at the source. */
  readonly readConfig: () => Promise<Uint8Array<ArrayBuffer>>;
  /** Computes the digests of the layers without compression. */
  readonly readDiffIds: () => Promise<readonly (Digest | undefined)[]>;
}

/** A manifest that is ready to be written. */
export interface BuiltManifest {
  /** The manifest. */
  readonly image: ParsedImage;
  /** Its configuration, where it is another than the source has. */
  readonly config: Uint8Array<ArrayBuffer> | undefined;
}

/** The manifest of an image in a type, naming the layers as they are at the destination; its own bytes, if those will do. */
export async function buildManifest(image: PlannedImage, type: string, options: BuildOptions): Promise<BuiltManifest> {
  const { manifest } = image;
  if (isSchema1MediaType(manifest.mediaType)) return await buildFromSchema1(image, type, options);
  if (isSchema1MediaType(type)) return await buildSchema1(image, options);
  const toOci = manifest.kind === "docker-image" && type === MEDIA_TYPES.ociManifest;
  // Layers are named while the manifest is OCI's, which has a word for each kind.
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
    // The name is part of what is signed; one that must not change stays as it is.
    const named = options.name && !fixed ? await renameSchema1(edited, embeddedName(options.name)) : edited;
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
  const names = options.name ? embeddedName(options.name) : { name: "", tag: "" };
  const config = await options.readConfig();
  return { image: await convertToSchema1(image.manifest, config, { ...names, layers }), config: undefined };
}

function embeddedName({ path, tag = "" }: NamedReference): { name: string; tag: string } {
  return { name: path, tag };
}

/** A manifest that names layers as they are at the destination: itself, where that is what it does. */
function withLayers(named: ParsedImage, image: PlannedImage, moved: readonly MovedBlob[]): ParsedImage {
  const given = image.layers.map(({ descriptor }) => descriptor);
  const isSame = (layer: Descriptor, i: number) =>
    layer.digest === image.manifest.layers[i]!.digest && (moved[i]?.digest ?? layer.digest) === layer.digest;
  if (given.every(isSame)) return named;
  const layers = given.map((descriptor, i) => {
    // The type is said in the words of the manifest that is written.
    const mediaType = descriptor.digest === image.manifest.layers[i]!.digest
      ? named.layers[i]!.mediaType
      : plainTypeFor(named, descriptor);
    return describeLayer({ ...descriptor, mediaType }, moved[i]);
  });
  return replaceLayers(named, layers);
}

/** What a source gives without compression may be described in the words of the manifest's first type. */
function plainTypeFor(named: ParsedImage, { mediaType }: Descriptor): string {
  if (named.kind === "oci-image" && mediaType === MEDIA_TYPES.dockerLayer) return MEDIA_TYPES.ociLayer;
  return mediaType;
}

/** A layer's descriptor after it was moved. What told of its compression before is not kept where its bytes changed. */
function describeLayer(layer: Descriptor, moved: MovedBlob | undefined): Descriptor {
  if (!moved || moved.digest === layer.digest) return layer;
  const { urls: _urls, data: _data, annotations = {}, ...rest } = layer;
  const kept = { ...withoutChunkedAnnotations(annotations), ...moved.annotations };
  return {
    ...rest,
    mediaType: layerMediaType(layer.mediaType, compressionOf(moved.form)),
    digest: moved.digest,
    size: moved.size,
    ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}),
  };
}

function compressionOf(form: LayerForm): "gzip" | "zstd" | "uncompressed" | "keep" {
  if (form === "uncompressed" || form === undefined) return form ?? "keep";
  return form === "gzip" || form === "zstd" || form === "zstd:chunked" ? baseAlgorithm(form) : "keep";
}
