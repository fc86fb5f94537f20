import type { Descriptor } from "../descriptor.ts";
import { createDockerManifest, withOciLayers } from "../image_manifest.ts";
import type { ParsedImage } from "../manifest.ts";
import { assertSchema1Layer } from "./layers.ts";
import { createSchema1, readSchema1 } from "./schema1.ts";

/**
 * Returns an OCI manifest, or a Docker manifest of version 2 schema 2, with other layers. It is serialized as Go does:
 * members that the specification does not define, and inline data of layers, are dropped.
 *
 * @param layers New layers, base first, with their sizes. Their number must be that of the image.
 */
export function replaceLayers(image: ParsedImage, layers: readonly Descriptor[]): ParsedImage {
  assertLayerCount(image, layers);
  if (image.kind === "oci-image") return withOciLayers(image, layers);
  if (image.kind === "docker-image") return createDockerManifest({ config: image.config!, layers });
  throw new TypeError(
    "Cannot replace layers of a schema 1 manifest: it must be signed again: use replaceSchema1Layers",
  );
}

/** Options of functions that write schema 1 manifests. */
export interface Schema1Options {
  /** Time of the signature. Default: now. */
  time?: Date | undefined;
}

/**
 * Returns a schema 1 manifest with other layers, signed again. The ids in its history are kept, because no tool verifies
 * them.
 *
 * @param layers New layers, base first. Their number must be that of the image; their sizes are ignored.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `CONVERSION_NOT_SUPPORTED` for layer types that only OCI has,
 * `INVALID_MANIFEST` if the history is not a chain of ids and parents, `INVALID_JSON` if its JSON is invalid.
 */
export async function replaceSchema1Layers(
  image: ParsedImage,
  layers: readonly Descriptor[],
  options: Schema1Options = {},
): Promise<ParsedImage> {
  assertLayerCount(image, layers);
  for (const { mediaType } of layers) assertSchema1Layer(mediaType);
  const manifest = readSchema1(image);
  const entries = manifest.entries.map((entry) => ({ ...entry, blobSum: layers[entry.layer]!.digest }));
  return await createSchema1({ ...manifest, entries }, options.time);
}

/** Options for {@linkcode renameSchema1}. */
export interface RenameSchema1Options extends Schema1Options {
  /** Path of the destination repository. */
  name: string;
  /** Destination tag; empty if there is none. */
  tag: string;
}

/**
 * Returns a schema 1 manifest with another name and tag, signed again; the same object if it already has them.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_MANIFEST` if the history is not a chain of ids and parents,
 * `INVALID_JSON` if its JSON is invalid.
 */
export async function renameSchema1(image: ParsedImage, options: RenameSchema1Options): Promise<ParsedImage> {
  const { name, tag, time } = options;
  const manifest = readSchema1(image);
  if (manifest.name === name && manifest.tag === tag) return image;
  return await createSchema1({ ...manifest, name, tag }, time);
}

function assertLayerCount(image: ParsedImage, layers: readonly Descriptor[]): void {
  if (layers.length === image.layers.length) return;
  throw new TypeError(`Cannot replace ${image.layers.length} layers with ${layers.length}: the numbers must be equal`);
}
