import type { Digest } from "../../../spec/room.ts";
import type { Compression } from "../../../internal/compression/room.ts";
import { fromPath } from "../unpack/byte_text.ts";
import { copyTree } from "../unpack/copy_tree.ts";
import type { LayerEntry } from "../unpack/entries.ts";
import { LayerUnpacker } from "../unpack/layer_unpacker.ts";
import { AT_FDCWD, readAt } from "../unpack/libc.ts";
import { findStat, type OpenFile, type Place, setMode, setOwner } from "../unpack/nodes.ts";
import type { UnpackRules } from "../unpack/rules.ts";
import { Tree } from "../unpack/tree.ts";
import { ArchiveParser } from "./archive_parser.ts";
import type { StagedLayer } from "./commit_layers.ts";
import type { PreparedLayer } from "./layer_preparer.ts";

/** Permissions of the top of the lowest layer, as other tools create it. */
const BASE_MODE = 0o555;

/** Size of the pieces in which headers are read, in bytes. Between them, other tasks can run. */
const PIECE = 256 * 1024;

/** Numbers of compressions in layer records (storage `archive.Compression`). */
const COMPRESSION_NUMBERS: Readonly<Record<Compression, number>> = { bzip2: 1, gzip: 2, Xz: 3, zstd: 4 };

/** A layer that gets its place in an image. */
export interface LayerToStage {
  /** Id of the new layer, unique in its store. */
  readonly id: string;
  /** Ids of the layers below, the nearest first. */
  readonly ancestors: readonly string[];
  /** Digest and size of the blob that it came from. */
  readonly blob: { readonly digest: Digest; readonly size: number };
  /** Number of the compression of that blob. Default: that of the prepared layer. */
  readonly compression?: number | undefined;
  /** The layer, as it was unpacked. */
  readonly prepared: PreparedLayer;
  /** True if other layers of the image need the same files, so that they are copied instead of moved. */
  readonly isShared: boolean;
  /** Folder with the unpacked parent; `undefined` for the lowest layer. */
  readonly parentFolder: string | undefined;
  /** Calls `work` while nobody can delete the parent. */
  readonly whileParentExists: (work: () => Promise<void>) => Promise<void>;
}

/** Options for {@linkcode stageLayer}. */
export interface StageOptions {
  /** Creates an empty folder on the disk of the store. */
  readonly createFolder: () => Promise<string>;
  /** How the driver stores layers, and what this process may do. */
  readonly rules: UnpackRules;
  /** Aborts the work between two files. Default: it is never aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes the folder of a layer above its parent. */
export async function stageLayer(layer: LayerToStage, options: StageOptions): Promise<StagedLayer> {
  const { id, ancestors, blob, prepared } = layer;
  const { output: { headers }, tarSplit, compression, diffDigest, diffSize, uids, gids } = prepared;
  const files = await takeFiles(layer, options);
  const folder = headers === undefined ? files : await options.createFolder();
  await placeTop(folder, layer, options);
  if (headers !== undefined) await unpackOver(folder, { headers, files, layer: blob.digest }, options);
  return {
    id,
    ancestors,
    folder,
    tarSplit,
    content: {
      blobDigest: blob.digest,
      blobSize: blob.size,
      diffDigest,
      diffSize,
      compression: layer.compression ?? (compression ? COMPRESSION_NUMBERS[compression] : 0),
      uids,
      gids,
    },
  };
}

/** Returns the folder with the unpacked files of a layer, or a copy if they are needed again. */
async function takeFiles(
  { prepared: { output }, isShared }: LayerToStage,
  options: StageOptions,
): Promise<string> {
  if (!isShared) return output.folder;
  const { createFolder, rules: { limited }, signal } = options;
  const copy = await createFolder();
  await copyTree(toPlace(output.folder), toPlace(copy), { limited, signal });
  return copy;
}

/**
 * Gives the top of a layer the owner and permissions of its parent's, unless an entry of the layer determined them. For
 * vfs, also copies the files of the parent.
 */
async function placeTop(
  folder: string,
  { parentFolder, prepared, whileParentExists }: LayerToStage,
  { rules: { driver, limited }, signal }: StageOptions,
): Promise<void> {
  if (driver === "overlay" && prepared.hasTop) return;
  const place = toPlace(folder);
  if (parentFolder === undefined) return setMode(place, BASE_MODE);
  await whileParentExists(async () => {
    const parent = toPlace(parentFolder);
    const { uid, gid, mode } = findStat(parent) ?? missingParent(parentFolder);
    setOwner(place, uid, gid);
    setMode(place, mode);
    if (driver === "vfs") await copyTree(parent, place, { limited, signal });
  });
}

/** Puts the files of a layer, and what its headers name, over the files of its parent. */
async function unpackOver(
  folder: string,
  { headers, files, layer }: { headers: OpenFile; files: string; layer: string },
  { rules, signal }: StageOptions,
): Promise<void> {
  using tree = new Tree(folder);
  using contents = new Tree(files);
  using unpacker = new LayerUnpacker(tree, { rules, layer }, contents.root.fd);
  const begin = (entry: LayerEntry) => unpacker.begin(entry);
  const nothing = () => {};
  const parser = new ArchiveParser({ raw: nothing, begin, content: nothing, end: nothing }, { hasContent: false });
  const buffer = new Uint8Array(PIECE);
  for (let at = 0, count; (count = readAt(headers, buffer, at)) > 0; at += count) {
    parser.write(buffer.subarray(0, count));
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
  unpacker.finish();
}

function toPlace(path: string): Place {
  return { fd: AT_FDCWD, name: fromPath(path) };
}

function missingParent(folder: string): never {
  throw new Deno.errors.NotFound(`the files of the layer below are missing: ${folder}`);
}
