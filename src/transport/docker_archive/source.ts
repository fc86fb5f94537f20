import type { ImageReference, ImageSource, InstanceOptions, ManifestBytes, SystemContext } from "../../image/room.ts";
import { type ByteStream, OncePerKey, toStream } from "../../internal/room.ts";
import { type Descriptor, digestAlgorithm, digestOf, ManifestsError, MEDIA_TYPES } from "../../spec/room.ts";
import { invalidArchive } from "../archive/errors.ts";
import { type ArchiveReader, openArchive } from "../archive/reader.ts";
import { type ArchivedImage, readImage, streamLayer } from "./archived_image.ts";
import { type ArchiveItem, chooseItem, parseItems } from "./items.ts";
import type { ArchiveImage } from "./name.ts";
import type { DockerArchiveReference } from "./reference.ts";

/** Maximum size of `manifest.json` in bytes, as in c/image (`iolimits.MaxTarFileManifestSize`). */
const MAX_ITEMS_SIZE = 1024 * 1024;

/** Opens an image in an archive. `manifest.json` is read at once, the image itself when it is first needed. */
export async function openDockerArchiveSource(
  reference: DockerArchiveReference,
  context?: SystemContext,
): Promise<ImageSource> {
  return await readArchive(reference, await openArchive(reference.path, context), reference.image);
}

/**
 * Opens an image in an archive that is already open. Takes ownership of the archive, also if it throws.
 *
 * @param reference Reference of the source.
 * @param image The image in the archive; `undefined`: the only one.
 */
export async function readArchive(
  reference: ImageReference,
  archive: ArchiveReader,
  image: ArchiveImage,
): Promise<ImageSource> {
  const { path } = archive;
  try {
    const file = archive.findFile("manifest.json");
    if (!file) {
      throw invalidArchive(path, "it has no manifest.json, so it is not in the format of docker save");
    }
    const items = parseItems(await archive.readFile(file, MAX_ITEMS_SIZE), path);
    return new DockerArchiveSource(reference, archive, () => chooseItem(items, image, path));
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * An image in an archive in the format of `docker save`, open for reading. Its manifest is generated, as in c/image.
 */
class DockerArchiveSource implements ImageSource {
  readonly reference: ImageReference;
  readonly #archive: ArchiveReader;
  readonly #chooseItem: () => ArchiveItem;
  readonly #image = new OncePerKey<"image", ArchivedImage>();

  constructor(reference: ImageReference, archive: ArchiveReader, chooseItem: () => ArchiveItem) {
    this.reference = reference;
    this.#archive = archive;
    this.#chooseItem = chooseItem;
  }

  async getManifest({ instance, signal }: InstanceOptions = {}): Promise<ManifestBytes> {
    const { manifest } = await this.#open(signal);
    if (instance !== undefined && instance !== digestOf(manifest, digestAlgorithm(instance))) {
      this.#failNotFound(`manifest ${instance}`);
    }
    return { bytes: manifest, mediaType: MEDIA_TYPES.dockerManifest };
  }

  async getBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<ByteStream> {
    const { config, layers } = await this.#open(signal);
    if (digest === config.descriptor.digest) return toStream(config.bytes.slice());
    const layer = layers.find(({ diffId }) => diffId === digest) ?? this.#failNotFound(`blob ${digest}`);
    return streamLayer(this.#archive, layer, { signal });
  }

  async findBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<number | undefined> {
    const { config, layers } = await this.#open(signal);
    if (digest === config.descriptor.digest) return config.bytes.length;
    return layers.find(({ diffId }) => diffId === digest)?.size;
  }

  /** Returns the uncompressed layers, although the manifest has the media type of compressed ones. */
  async layersForCopy(_image: unknown, { signal }: InstanceOptions = {}): Promise<readonly Descriptor[]> {
    const { layers } = await this.#open(signal);
    return layers.map(({ diffId, size }) => ({ mediaType: MEDIA_TYPES.dockerLayer, digest: diffId, size }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#archive[Symbol.asyncDispose]();
  }

  #open(signal: AbortSignal | undefined): Promise<ArchivedImage> {
    const read = (signal: AbortSignal) => readImage(this.#archive, this.#chooseItem(), { signal });
    return this.#image.get("image", read, signal);
  }

  #failNotFound(what: string): never {
    throw new ManifestsError("NOT_FOUND", `Cannot read ${what} of ${this.reference}: it is not part of the image`);
  }
}
