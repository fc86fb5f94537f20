import type { Digest } from "../../../spec/room.ts";
import type { Compression } from "../../../internal/compression/room.ts";
import { applyLayer } from "../unpack/apply_layer.ts";
import { copyTree } from "../unpack/copy_tree.ts";
import { fromPath } from "../unpack/byte_text.ts";
import { AT_FDCWD } from "../unpack/libc.ts";
import { findStat, setMode, setOwner } from "../unpack/nodes.ts";
import type { UnpackRules } from "../unpack/rules.ts";
import { Tree } from "../unpack/tree.ts";
import type { StagedLayer } from "./commit_layers.ts";
import type { SpooledLayer } from "./spool_layer.ts";

/** Permissions of the top of the lowest layer, as other tools create it. */
const BASE_MODE = 0o555;

/** Numbers of compressions in layer records (storage `archive.Compression`). */
const COMPRESSION_NUMBERS: Readonly<Record<Compression, number>> = { bzip2: 1, gzip: 2, Xz: 3, zstd: 4 };

/** A layer that is about to be unpacked. */
export interface LayerToStage {
  /** Id of the new layer, unique in its store. */
  readonly id: string;
  /** Ids of the layers below, the nearest first. */
  readonly ancestors: readonly string[];
  /** Digest and size of the blob that it came from. */
  readonly blob: { readonly digest: Digest; readonly size: number };
  /** Number of the compression of that blob. Default: that of the spooled layer. */
  readonly compression?: number | undefined;
  /** Archive and tar-split file of the layer. */
  readonly spooled: SpooledLayer;
  /** Folder with the unpacked parent; `undefined` for the lowest layer. */
  readonly parentFolder: string | undefined;
  /** Calls `work` while nobody can delete the parent. */
  readonly whileParentExists: (work: () => Promise<void>) => Promise<void>;
}

/** Unpacks a layer into a new folder. */
export async function stageLayer(
  layer: LayerToStage,
  { folder, rules, signal }: { folder: string; rules: UnpackRules; signal?: AbortSignal | undefined },
): Promise<StagedLayer> {
  const { id, ancestors, blob, spooled, parentFolder } = layer;
  await Deno.mkdir(folder);
  const place = { fd: AT_FDCWD, name: fromPath(folder) };
  if (parentFolder === undefined) setMode(place, BASE_MODE);
  else {
    await layer.whileParentExists(async () => {
      const parent = { fd: AT_FDCWD, name: fromPath(parentFolder) };
      const { uid, gid, mode } = findStat(parent) ?? missingParent(parentFolder);
      setOwner(place, uid, gid);
      setMode(place, mode);
      if (rules.driver === "vfs") await copyTree(parent, place, { limited: rules.limited, signal });
    });
  }
  {
    using tree = new Tree(folder);
    await applyLayer(spooled.archive, tree, { rules, layer: blob.digest, signal });
  }
  const { compression, diffDigest, uids, gids } = spooled;
  const sort = (ids: ReadonlySet<number>) => [...ids].sort((a, b) => a - b);
  return {
    id,
    ancestors,
    folder,
    tarSplit: spooled.tarSplit,
    content: {
      blobDigest: blob.digest,
      blobSize: blob.size,
      diffDigest,
      diffSize: spooled.archive.size,
      compression: layer.compression ?? (compression ? COMPRESSION_NUMBERS[compression] : 0),
      uids: sort(uids),
      gids: sort(gids),
    },
  };
}

function missingParent(folder: string): never {
  throw new Deno.errors.NotFound(`the files of the layer below are missing: ${folder}`);
}
