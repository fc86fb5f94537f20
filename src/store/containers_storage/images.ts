import { exists } from "@std/fs";
import { join } from "@std/path";
import { encodeUtf8 } from "../../internal/room.ts";
import { type FileContent, writeAllAtomically } from "../../internal/host/room.ts";
import { type HeldLock, lockFile, type LockingMode } from "../lock/file_lock.ts";
import { readOrEmpty } from "./io_errors.ts";
import { readLastWriter, writeLastWriter } from "./last_writer.ts";
import { removeLeftovers } from "./leftovers.ts";
import { RecordSet } from "./record_set.ts";
import { parseRecords, serializeRecords } from "./records.ts";

/** A change of the records in a folder. */
export interface RecordChange<T> {
  /** Records to save; `undefined` if nothing is written. */
  readonly set?: RecordSet;
  /** Data files to write with the records. Default: none. */
  readonly files?: readonly FileContent[];
  /** Value that the change returns to its caller. */
  readonly result: T;
  /** Called after the save, still under the lock. Its errors are ignored, because the change is already made. */
  readonly after?: () => Promise<void>;
  /** Called if the save failed, still under the lock. Its errors are ignored. */
  readonly undo?: () => Promise<void>;
}

/** A folder of image records, with its lock and a cache of its records that is refreshed when others have written. */
export class ImagesFolder {
  /** Path of the folder, such as `…/overlay-images`. */
  readonly path: string;
  /** True for the folder of an additional store, which is never written. */
  readonly readOnly: boolean;
  readonly #mode: LockingMode;
  readonly #store: string;
  #cache: { lastWriter: string; set: RecordSet } | undefined;
  #swept = false;

  /** `store` is the location of the store, for errors. */
  constructor(path: string, options: { mode: LockingMode; readOnly: boolean; store: string }) {
    this.path = path;
    this.readOnly = options.readOnly;
    this.#mode = options.mode;
    this.#store = options.store;
  }

  /**
   * Calls `work` with the records while no other program can write them. A folder that does not exist has no records.
   */
  async read<T>(work: (set: RecordSet) => Promise<T> | T): Promise<T> {
    // A read-only store may have no lock file, and then nothing can be locked.
    if (!await exists(this.path)) return await work(new RecordSet([]));
    if (this.readOnly && !await exists(this.#lockPath)) return await work(await this.#parse());
    using lock = await this.#lock(false);
    return await work(await this.#load(lock));
  }

  /**
   * Calls `work` with the records while no other program can read or write them, and saves the change that it returns.
   * The last-writer bytes are written first, so that a crash afterwards only makes others read the records once more;
   * then the data files, then the records. All of it is on the disk before the first file is replaced, so a full disk
   * changes nothing.
   */
  async write<T>(work: (set: RecordSet) => Promise<RecordChange<T>>): Promise<T> {
    using lock = await this.#lock(true);
    const { set, files = [], result, after, undo } = await work(await this.#load(lock));
    if (!set) return result;
    const records = { path: join(this.path, "images.json"), content: encodeUtf8(serializeRecords(set.records)) };
    try {
      const lastWriter = await writeLastWriter(lock.file);
      this.#cache = undefined;
      await writeAllAtomically([...files, records], { temporaryFolder: this.path });
      this.#cache = { lastWriter, set };
    } catch (error) {
      await undo?.().catch(() => {});
      throw error;
    }
    await after?.().catch(() => {});
    await this.#sweep(set);
    return result;
  }

  /** Removes leftovers the first time. They are rare, and a large folder takes long to list. */
  async #sweep(set: RecordSet): Promise<void> {
    if (this.#swept) return;
    this.#swept = true;
    // The save has succeeded, so a failure here must not fail it.
    await removeLeftovers(this.path, set).catch(() => {});
  }

  async #lock(exclusive: boolean): Promise<HeldLock> {
    return await lockFile(this.#lockPath, { mode: this.#mode, exclusive, store: this.#store });
  }

  async #load(lock: HeldLock): Promise<RecordSet> {
    const lastWriter = await readLastWriter(lock.file);
    // Without last-writer bytes it is not known whether the records changed.
    if (this.#cache && lastWriter !== "" && this.#cache.lastWriter === lastWriter) return this.#cache.set;
    const set = await this.#parse();
    // A writer that the lock does not exclude may have written new last-writer bytes but not yet its records.
    if (lock.excludesWriters) this.#cache = { lastWriter, set };
    return set;
  }

  async #parse(): Promise<RecordSet> {
    const path = join(this.path, "images.json");
    return new RecordSet(parseRecords(await readOrEmpty(path), path));
  }

  get #lockPath(): string {
    return join(this.path, "images.lock");
  }
}
