import { join } from "@std/path";
import type { ByteStream } from "../../../internal/room.ts";
import { makeFolders, type StoreLocation } from "../layout.ts";
import type { OpenFile } from "../unpack/nodes.ts";
import { removePath } from "../unpack/remove_path.ts";
import type { UnpackRules } from "../unpack/rules.ts";
import type { LayerPlaces } from "./layer_places.ts";
import { LayerWorkers } from "./layer_workers.ts";
import { openNamelessFile } from "./nameless_file.ts";
import type { LayerFacts, LayerOutput } from "./prepare_layer.ts";
import { Staging } from "./staging.ts";

/** A layer that was checked and is ready to be put into the store. Disposing deletes its files. */
export interface PreparedLayer extends LayerFacts, Disposable {
  /** The tar-split file of the layer. */
  readonly tarSplit: OpenFile;
  /** Places of the unpacked files and, for vfs, of their headers. */
  readonly output: LayerOutput;
}

/** Options for {@linkcode LayerPreparer}. */
export interface LayerPreparerOptions {
  /** Root folders and driver of the store. */
  readonly location: StoreLocation;
  /** Places of the layers in the store. */
  readonly places: LayerPlaces;
  /** How the driver stores layers, and what this process may do. */
  readonly rules: UnpackRules;
  /** Folder for temporary files. Default: that of the system. */
  readonly temporaryFolder: string | undefined;
}

/**
 * Prepares the layers of an image while they arrive, in any order, in a locked staging folder of the store. Layers of
 * overlay do not need their parents, so they are complete then; those of vfs are put over their parents on commit.
 */
export class LayerPreparer implements AsyncDisposable {
  readonly #options: LayerPreparerOptions;
  readonly #workers = new LayerWorkers();
  #staging: Promise<Staging> | undefined;
  #count = 0;

  constructor(options: LayerPreparerOptions) {
    this.#options = options;
  }

  /**
   * Prepares a layer.
   *
   * @param options `layer`: digest of the layer, for messages. `size`: size of the stream in bytes, or `UNKNOWN_SIZE`.
   * @throws {ManifestsError} See {@linkcode prepareLayer}.
   */
  async prepare(stream: ByteStream, { layer, size }: { layer: string; size: number }): Promise<PreparedLayer> {
    const { rules, temporaryFolder } = this.#options;
    using stack = new DisposableStack();
    const tarSplit = stack.use(await openNamelessFile(temporaryFolder)).fd;
    const headers = rules.driver === "vfs" ? stack.use(await openNamelessFile(temporaryFolder)).fd : undefined;
    const output = { folder: stack.adopt(await this.createFolder(), removeQuietly), headers };
    const facts = await this.#workers.prepare(stream, { layer, rules, tarSplit, output }, size);
    const files = stack.move();
    return { ...facts, tarSplit, output, [Symbol.dispose]: () => files.dispose() };
  }

  /** Creates an empty folder on the disk of the store. It is removed on disposal unless it was moved. */
  async createFolder(): Promise<string> {
    const { path } = await (this.#staging ??= this.#openStaging());
    const folder = join(path, `${this.#count++}-addition`);
    await Deno.mkdir(folder, { mode: 0o755 });
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#workers[Symbol.dispose]();
    const staging = await this.#staging?.catch(() => undefined);
    await staging?.[Symbol.asyncDispose]();
  }

  async #openStaging(): Promise<Staging> {
    const { location, places } = this.#options;
    await makeFolders(location);
    await places.makeFolders();
    return await Staging.open(places.driverFolder);
  }
}

/** Removes a folder. If that fails, it is removed with the staging folder, or by a later run. */
function removeQuietly(path: string): void {
  try {
    removePath(path);
  } catch {
    // The error that led here is more important.
  }
}
