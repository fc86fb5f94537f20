import { join } from "@std/path";
import { createTemporaryFile, removeDeadFiles, writeAll } from "../../../internal/host/room.ts";
import { ignoreMissing } from "../io_errors.ts";
import { type LayerDriver, layersFolder } from "../layers/layer_roots.ts";
import type { StoreLocation } from "../layout.ts";
import { readAt } from "../unpack/libc.ts";
import type { OpenFile } from "../unpack/nodes.ts";
import { removePath } from "../unpack/remove_path.ts";

/** Characters of the short names of layers in `l`, which keep the options of a mount short. */
const LINK_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Length of these names in characters. */
const LINK_LENGTH = 26;

/** Matches a name in the folder `l`. */
const LINK_REGEXP = /^[A-Z2-7]+$/;

/** A layer whose unpacked files are put into their place. */
export interface PlacedLayer {
  /** Id of the layer, unique in its store. */
  readonly id: string;
  /** Ids of the layers below, the nearest first. */
  readonly ancestors: readonly string[];
  /** Path of the folder that was unpacked, on the same disk. */
  readonly folder: string;
  /** The tar-split file, in a temporary file. */
  readonly tarSplit: OpenFile;
}

/** The places of the layers' files in a store (storage `drivers/vfs`, `drivers/overlay`). */
export class LayerPlaces {
  /** Folder of the driver, such as `…/overlay`. */
  readonly driverFolder: string;
  /** Folder of the layers' records. */
  readonly recordsFolder: string;
  readonly #driver: LayerDriver;
  readonly #tarSplits: string;

  constructor({ graphRoot, imageStore }: StoreLocation, driver: LayerDriver) {
    const root = imageStore ?? graphRoot;
    this.#driver = driver;
    this.driverFolder = join(root, driver);
    this.recordsFolder = layersFolder(root, driver);
    // Only these stay in the root if the images have their own store.
    this.#tarSplits = layersFolder(graphRoot, driver);
  }

  /** Creates the folders that the files of layers need. */
  async makeFolders(): Promise<void> {
    for (const folder of [this.recordsFolder, this.#tarSplits]) {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    }
    const isOverlay = this.#driver === "overlay";
    await Deno.mkdir(join(this.driverFolder, isOverlay ? "l" : "dir"), {
      recursive: true,
      mode: isOverlay ? 0o755 : 0o700,
    });
  }

  /** Returns the folder with the unpacked files of a layer. */
  files(id: string): string {
    return this.#driver === "vfs" ? join(this.driverFolder, "dir", id) : join(this.driverFolder, id, "diff");
  }

  /** Removes all files of a layer, even if only a part of them exists. */
  async remove(id: string): Promise<void> {
    if (this.#driver === "overlay") {
      const link = await readShort(join(this.driverFolder, id, "link"));
      if (LINK_REGEXP.test(link)) await Deno.remove(join(this.driverFolder, "l", link)).catch(ignoreMissing);
      removePath(join(this.driverFolder, id));
    } else {
      removePath(this.files(id));
    }
    await Deno.remove(join(this.#tarSplits, `${id}.tar-split.gz`)).catch(ignoreMissing);
  }

  /** Removes the temporary files of killed programs. */
  async removeDeadFiles(): Promise<void> {
    for (const folder of new Set([this.recordsFolder, this.#tarSplits])) await removeDeadFiles(folder);
  }

  /** Puts a layer into its place, which must be empty. */
  async place(layer: PlacedLayer): Promise<void> {
    if (this.#driver === "vfs") await Deno.rename(layer.folder, this.files(layer.id));
    else await this.#placeOverlay(layer);
    await this.#placeTarSplit(layer);
  }

  async #placeOverlay({ id, ancestors, folder }: PlacedLayer): Promise<void> {
    const home = join(this.driverFolder, id);
    await Deno.mkdir(home, { mode: 0o700 });
    await Deno.rename(folder, join(home, "diff"));
    const link = createLinkName();
    const write = (name: string, text: string) =>
      Deno.writeTextFile(join(home, name), text, { createNew: true, mode: 0o644 });
    // After a crash in between, the file names what must be removed.
    await write("link", link);
    await Deno.symlink(join("..", id, "diff"), join(this.driverFolder, "l", link));
    for (const name of ["work", "merged", ...ancestors.length > 0 ? [] : ["empty"]]) {
      await Deno.mkdir(join(home, name), { mode: 0o700 });
    }
    const [parent] = ancestors;
    if (parent === undefined) return;
    const parentHome = join(this.driverFolder, parent);
    const [parentLink, below] = await Promise.all([
      readShort(join(parentHome, "link")),
      readShort(join(parentHome, "lower")),
    ]);
    // Without them, the layer would be mounted over the wrong folders.
    if (!LINK_REGEXP.test(parentLink) || (below === "" && ancestors.length > 1)) {
      throw new Deno.errors.NotFound(`the file "link" or "lower" of the layer below is missing: ${parentHome}`);
    }
    await write("lower", `l/${parentLink}${below === "" ? "" : `:${below}`}`);
    // Tools since 2026 read this file instead of the links.
    await write("lower-layers", ancestors.join(":"));
  }

  async #placeTarSplit({ id, tarSplit }: PlacedLayer): Promise<void> {
    await using temporary = await createTemporaryFile(this.#tarSplits, 0o600);
    const buffer = new Uint8Array(256 * 1024);
    for (let at = 0, count; (count = readAt(tarSplit, buffer, at)) > 0; at += count) {
      await writeAll(temporary.file, buffer.subarray(0, count));
    }
    await temporary.publish(join(this.#tarSplits, `${id}.tar-split.gz`));
  }
}

function createLinkName(): string {
  const random = crypto.getRandomValues(new Uint8Array(LINK_LENGTH));
  return Array.from(random, (byte) => LINK_CHARACTERS[byte % LINK_CHARACTERS.length]).join("");
}

/** Reads a small file; `""` if it does not exist. */
async function readShort(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch(ignoreMissing) ?? "";
}
