import { exists } from "@std/fs";
import { join } from "@std/path";
import { type ByteStream, Crc64, encodeBase64 } from "../../../internal/room.ts";
import type { StoredLayer } from "../../types.ts";
import { assembleTar } from "./assemble.ts";
import { LayerFileError, notReproducible } from "./layer_error.ts";
import { LayerFiles } from "./layer_files.ts";
import { isLayerDriver, layersFolder } from "./layer_roots.ts";
import { isSplitFile, readTarSplit, type SplitEntry } from "./tar_split.ts";

/** The parts from which the tar archive of a layer is assembled: its tar-split file and the unpacked files. */
export class LayerSource {
  readonly #tarSplit: string;
  readonly #folder: string;

  /** @param folder Folder of the unpacked layer, with all links resolved. */
  constructor(tarSplit: string, folder: string) {
    this.#tarSplit = tarSplit;
    this.#folder = folder;
  }

  /** Yields the tar archive, unverified. Throws `LayerFileError`. */
  async *read(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    yield* assembleTar(await this.#entries(), new LayerFiles(this.#folder));
  }

  /**
   * Finds the file whose checksum differs from the tar-split file. Checksums of all files take longer than the digest
   * of the archive, so they are only computed when that digest is wrong. Returns `undefined` if all files are correct.
   */
  async findBrokenFile(signal: AbortSignal | undefined): Promise<LayerFileError | undefined> {
    const files = new LayerFiles(this.#folder);
    const buffer = new Uint8Array(256 * 1024);
    for await (const batch of await this.#entries()) {
      for (const entry of batch.filter(isSplitFile)) {
        const sum = new Crc64();
        using content = files.open(entry);
        for (let left = entry.size; left > 0;) {
          signal?.throwIfAborted();
          const count = await content.read(buffer.subarray(0, left));
          if (count === 0) break;
          sum.update(buffer.subarray(0, count));
          left -= count;
        }
        if (encodeBase64(sum.bytes()) !== entry.checksum) return new LayerFileError(entry, "has different content");
      }
    }
    return undefined;
  }

  async #entries(): Promise<AsyncGenerator<SplitEntry[], void, undefined>> {
    return readTarSplit((await Deno.open(this.#tarSplit)).readable as ByteStream);
  }
}

/**
 * Finds the tar-split file and the files of a layer. They and the layer's record may be below different roots.
 *
 * @throws {ManifestsError} With code `LAYER_NOT_REPRODUCIBLE`.
 */
export async function findLayerSource(
  layer: StoredLayer,
  roots: readonly string[],
  driver: string,
): Promise<LayerSource> {
  if (!isLayerDriver(driver)) {
    throw notReproducible(layer, `layers of storage driver ${JSON.stringify(driver)} cannot be read here`);
  }
  const home = (root: string) => driver === "vfs" ? join(root, "vfs", "dir", layer.id) : join(root, driver, layer.id);
  for (const root of roots) {
    // composefs stores files under their digests, and only the kernel can read the names from the composefs image.
    if (driver === "overlay" && await exists(join(home(root), "composefs-data", "composefs.blob"))) {
      throw notReproducible(layer, "it is stored as a composefs image");
    }
  }
  const tarSplit = await findFirst(roots.map((root) => join(layersFolder(root, driver), `${layer.id}.tar-split.gz`)));
  if (tarSplit === undefined) {
    throw notReproducible(
      layer,
      "its tar-split file is missing, without which the original tar archive cannot be reproduced",
    );
  }
  const folder = await findFirst(roots.map((root) => driver === "vfs" ? home(root) : join(home(root), "diff")));
  if (folder === undefined) throw notReproducible(layer, "its files are missing");
  return new LayerSource(tarSplit, await Deno.realPath(folder));
}

async function findFirst(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await exists(path)) return path;
  return undefined;
}
