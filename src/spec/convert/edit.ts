import type { Descriptor } from "../descriptor.ts";
import { createDockerManifest, withOciLayers } from "../image_manifest.ts";
import type { ParsedImage } from "../manifest.ts";
import { requireSchema1Layer } from "./layers.ts";
import { createSchema1, readSchema1 } from "./schema1.ts";

/**
 * The same manifest, of OCI's or of Docker's version 2 schema 2, with other layers, written anew: what the
 * specification knows stays, in Go's order, and nothing else. A layer's inline data is not kept.
 *
 * @param layers As many as the image has, base first, with their sizes.
 */
export function replaceLayers(image: ParsedImage, layers: readonly Descriptor[]): ParsedImage {
  requireCount(image, layers);
  if (image.kind === "oci-image") return withOciLayers(image, layers);
  if (image.kind === "docker-image") return createDockerManifest({ config: image.config!, layers });
  throw new TypeError(
    "Cannot replace layers of a schema 1 manifest at once as it must be signed: use replaceSchema1Layers",
  );
}

/** Options of what changes schema 1 manifests. */
export interface Schema1Options {
  /** When the manifest is signed; default: now. */
  time?: Date | undefined;
}

/**
 * The same schema 1 manifest with other layers, signed anew. The ids in its history stay: nobody computes them again.
 *
 * @param layers As many as the image has, base first; sizes do not matter.
 * @throws {ManifestsError | ManifestsSyntaxError} With code `CONVERSION_NOT_SUPPORTED` for layers that only OCI has,
 * `INVALID_MANIFEST` where the history is no chain of ids and parents, `INVALID_JSON` where it cannot be read.
 */
export async function replaceSchema1Layers(
  image: ParsedImage,
  layers: readonly Descriptor[],
  options: Schema1Options = {},
): Promise<ParsedImage> {
  requireCount(image, layers);
  for (const { mediaType } of layers) requireSchema1Layer(mediaType);
  const manifest = readSchema1(image);
  const entries = manifest.entries.map((entry) => ({ ...entry, blobSum: layers[entry.layer]!.digest }));
  return await createSchema1({ ...manifest, entries }, options.time);
}

/** Options for {@linkcode renameSchema1}. */
export interface RenameSchema1Options extends Schema1Options {
  /** Path of the repository where the image goes. */
  name: string;
  /** Tag under which it goes there; empty where there is none. */
  tag: string;
}

/**
 * The same schema 1 manifest with another name and tag inside, signed anew; itself where it has them already.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_MANIFEST` where the history is no chain of ids and parents,
 * `INVALID_JSON` where it cannot be read.
 */
export async function renameSchema1(image: ParsedImage, options: RenameSchema1Options): Promise<ParsedImage> {
  const { name, tag, time } = options;
  const manifest = readSchema1(image);
  if (manifest.name === name && manifest.tag === tag) return image;
  return await createSchema1({ ...manifest, name, tag }, time);
}

function requireCount(image: ParsedImage, layers: readonly Descriptor[]): void {
  if (layers.length === image.layers.length) return;
  throw new TypeError(`Cannot replace ${image.layers.length} layers as ${layers.length} were given`);
}
