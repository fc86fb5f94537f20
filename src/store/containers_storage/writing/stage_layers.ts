import type { Digest } from "../../../spec/room.ts";
import type { Compression } from "../../../internal/compression/room.ts";
import { fromPath } from "../unpack/byte_text.ts";
import { copyTree } from "../unpack/copy_tree.ts";
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

/** Size of the pieces in which an archive is unpacked, in bytes. Between them, other tasks can run. */
const PIECE = 1024 * 1024;

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
  /** The layer, unpacked or as an archive. */
  readonly prepared: PreparedLayer;
  /** True if another layer of the image has the unpacked files already. */
  readonly isAgain: boolean;
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
  const { id, ancestors, blob, prepared, parentFolder } = layer;
  const { output, tarSplit, compression, diffDigest, diffSize, uids, gids } = prepared;
  const { rules: { limited, driver }, signal } = options;
  const isMoved = "folder" in output && !layer.isAgain;
  const folder = isMoved ? output.folder : await options.createFolder();
  const place = toPlace(folder);
  if ("folder" in output && !isMoved) await copyTree(toPlace(output.folder), place, { limited, signal });
  if (parentFolder === undefined) setMode(place, BASE_MODE);
  else {
    await layer.whileParentExists(async () => {
      const parent = toPlace(parentFolder);
      const { uid, gid, mode } = findStat(parent) ?? missingParent(parentFolder);
      setOwner(place, uid, gid);
      setMode(place, mode);
      if (driver === "vfs") await copyTree(parent, place, { limited, signal });
    });
  }
  if ("archive" in output) await unpackArchive(output.archive, folder, blob.digest, options);
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

/** Unpacks an archive over the files of its parent. */
async function unpackArchive(
  archive: OpenFile,
  folder: string,
  layer: string,
  { rules, signal }: StageOptions,
): Promise<void> {
  using tree = new Tree(folder);
  using unpacker = new LayerUnpacker(tree, { rules, layer });
  const parser = new ArchiveParser({
    raw: () => {},
    begin: (entry) => unpacker.begin(entry),
    content: (bytes) => unpacker.content(bytes),
    end: () => unpacker.end(),
  });
  const buffer = new Uint8Array(PIECE);
  for (let at = 0, count; (count = readAt(archive, buffer, at)) > 0; at += count) {
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
