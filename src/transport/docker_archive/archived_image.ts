import { type Compression, detectCompression } from "../../internal/compression/room.ts";
import { type ByteStream, readChunks, type SignalOptions } from "../../internal/room.ts";
import { encodeGoJson, type GoJsonValue, parseJson, StructReader } from "../../json/room.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  isDigest,
  isManifestsError,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
} from "../../spec/room.ts";
import { inflate } from "../archive/compressed.ts";
import { invalidArchive } from "../archive/errors.ts";
import type { ArchiveFile, ArchiveReader } from "../archive/reader.ts";
import type { ArchiveItem } from "./items.ts";

/** Number of bytes that identify any compression. */
const MAGIC_SIZE = 16;

/** A layer in an archive. */
export interface ArchivedLayer {
  /** Digest of the uncompressed content (DiffID). */
  readonly diffId: Digest;
  /** Size of the uncompressed content in bytes. */
  readonly size: number;
  /** Member that has the layer. */
  readonly file: ArchiveFile;
  /** Compression of the layer in the archive; `undefined` if it is not compressed. */
  readonly compression: Compression | undefined;
}

/** An image that was read from an archive. */
export interface ArchivedImage {
  /** Configuration of the image, with its descriptor. */
  readonly config: { readonly descriptor: Descriptor; readonly bytes: Uint8Array<ArrayBuffer> };
  /** Layers of the image, base first. */
  readonly layers: readonly ArchivedLayer[];
  /** Docker schema 2 manifest, generated from the other members. */
  readonly manifest: Uint8Array<ArrayBuffer>;
}

/**
 * Reads an image. No document gives the uncompressed size of a compressed layer, so such layers are read to their end.
 *
 * @throws {ManifestsError} With code `ARCHIVE_INVALID`, `COMPRESSION_NOT_SUPPORTED` or `LIMIT_EXCEEDED`.
 */
export async function readImage(
  archive: ArchiveReader,
  item: ArchiveItem,
  options: SignalOptions = {},
): Promise<ArchivedImage> {
  const bytes = await archive.readFile(getFile(archive, item.config, "the configuration"), MAX_CONFIG_SIZE);
  const diffIds = readDiffIds(bytes, item, archive.path);
  const files = findLayerFiles(archive, item, diffIds);
  const read = new Map<Digest, ArchivedLayer>();
  for (const [diffId, file] of files) read.set(diffId, await readLayer(archive, diffId, file, options));
  const layers = diffIds.map((diffId) => read.get(diffId)!);
  const descriptor = { mediaType: MEDIA_TYPES.dockerConfig, digest: digestOf(bytes), size: bytes.length };
  return { config: { descriptor, bytes }, layers, manifest: encodeManifest(descriptor, layers) };
}

/** Returns a stream of the uncompressed content of a layer. */
export function streamLayer(archive: ArchiveReader, layer: ArchivedLayer, options: SignalOptions = {}): ByteStream {
  return inflate(archive.streamFile(layer.file, options), layer.compression, archive.path);
}

function getFile(archive: ArchiveReader, name: string, what: string): ArchiveFile {
  return archive.findFile(name) ?? failInvalid(archive.path, `${what} ${JSON.stringify(name)} is missing`);
}

function failInvalid(path: string, problem: string): never {
  throw invalidArchive(path, problem);
}

function readDiffIds(config: Uint8Array, item: ArchiveItem, path: string): Digest[] {
  try {
    const from = new StructReader(parseJson(config, `config ${JSON.stringify(item.config)}`).value, "config");
    const rootfs = from.struct("rootfs") ?? failInvalid(path, `rootfs is not set in ${JSON.stringify(item.config)}`);
    return (rootfs.strings("diff_ids") ?? []).map((text) =>
      isDigest(text)
        ? text
        : failInvalid(path, `${JSON.stringify(text.slice(0, 256))} in its configuration is not a digest`)
    );
  } catch (error) {
    if (!isManifestsError(error, "INVALID_JSON")) throw error;
    throw invalidArchive(path, `its configuration ${JSON.stringify(item.config)} is malformed`, error);
  }
}

/** Finds the files of the layers. A layer that the image has twice has one file, and no file may be two layers. */
function findLayerFiles(
  archive: ArchiveReader,
  { layers }: ArchiveItem,
  diffIds: readonly Digest[],
): Map<Digest, ArchiveFile> {
  if (layers.length !== diffIds.length) {
    failInvalid(
      archive.path,
      `the layer count is inconsistent: ${layers.length} in its manifest.json, ${diffIds.length} in the configuration`,
    );
  }
  const files = new Map<Digest, ArchiveFile>();
  const used = new Map<number, Digest>();
  for (const [i, diffId] of diffIds.entries()) {
    if (files.has(diffId)) continue;
    const file = getFile(archive, layers[i]!, "layer");
    if (used.has(file.offset)) {
      failInvalid(archive.path, `its layer ${JSON.stringify(layers[i])} is used for two different DiffID values`);
    }
    used.set(file.offset, diffId);
    files.set(diffId, file);
  }
  return files;
}

async function readLayer(
  archive: ArchiveReader,
  diffId: Digest,
  file: ArchiveFile,
  options: SignalOptions,
): Promise<ArchivedLayer> {
  const compression = detectCompression(await archive.readHead(file, MAGIC_SIZE));
  const layer = { diffId, file, size: file.size, compression };
  if (compression === undefined) return layer;
  let size = 0;
  for await (const chunk of readChunks(streamLayer(archive, layer, options), { reuses: true })) size += chunk.length;
  return { ...layer, size };
}

/**
 * Generates the manifest, with the same bytes as c/image (`docker/internal/tarfile/src.go`): the layers are
 * uncompressed, but have the media type of compressed ones.
 */
function encodeManifest(config: Descriptor, layers: readonly ArchivedLayer[]): Uint8Array<ArrayBuffer> {
  const descriptor = (mediaType: string, size: number, digest: Digest) =>
    new Map<string, string | number>([["mediaType", mediaType], ["size", size], ["digest", digest]]);
  return encodeGoJson(
    new Map<string, GoJsonValue>([
      ["schemaVersion", 2],
      ["mediaType", MEDIA_TYPES.dockerManifest],
      ["config", descriptor(config.mediaType, config.size, config.digest)],
      ["layers", layers.map(({ size, diffId }) => descriptor(MEDIA_TYPES.dockerLayerGzip, size, diffId))],
    ]),
  );
}
