import { exists } from "@std/fs";
import { join } from "@std/path";
import { encodeUtf8 } from "../../internal/room.ts";
import { type FileContent, writeAllAtomically } from "../../internal/host/room.ts";
import { type HeldLock, lockFile, type LockingMode } from "../lock/file_lock.ts";
import { readLastWriter, writeLastWriter } from "./last_writer.ts";
import { removeLeftovers } from "./leftovers.ts";
import { RecordSet } from "./record_set.ts";
import { parseRecords, serializeRecords } from "./records.ts";

/** Number of records up to which every write looks for leftovers: some milliseconds at most. */
const SMALL_STORE = 100;

/** What a change of records does. */
export interface RecordChange<T> {
  /** The records to save; `undefined` where they stay. */
  readonly set?: RecordSet;
  /** Data files to write with the records. */
  readonly files?: readonly FileContent[];
  /** What the change returns. */
  readonly result: T;
  /** Called after the save, while nobody else can read or write. What it throws is ignored: the change is made. */
  readonly after?: () => Promise<void>;
  /** Called where the save failed. */
  readonly undo?: () => Promise<void>;
}

/** One folder of image records, with its lock and a copy of its records that is read again when others have written. */
export class ImagesFolder {
  /** The folder. */
  readonly path: string;
  /** Whether it belongs to an additional store. */
  readonly readOnly: boolean;
  readonly #mode: LockingMode;
  #cache: { lastWriter: string; set: RecordSet } | undefined;
  #swept = false;

  constructor(path: string, options: { mode: LockingMode; readOnly: boolean }) {
    this.path = path;
    this.readOnly = options.readOnly;
    this.#mode = options.mode;
  }

  /** Runs `work` on the records while nobody can write them. A folder that is not there has no records. */
  async read<T>(work: (set: RecordSet) => Promise<T> | T): Promise<T> {
    // Nothing can be locked where there is no lock file, and a store that is only read need not have one.
    if (!await exists(this.path)) return await work(new RecordSet([]));
    if (this.readOnly && !await exists(this.#lockPath)) return await work(await this.#parse());
    using lock = await this.#lock(false);
    return await work(await this.#load(lock));
  }

  /**
   * Runs `work` on the records while nobody else can read or write them, and saves what it returns: the last-writer
   * bytes first, so that a crash afterwards only costs others a needless look, then the data files, then the records.
   * All of it is on the disk before the first file is replaced, so a full disk changes nothing.
   */
  async write<T>(work: (set: RecordSet) => Promise<RecordChange<T>>): Promise<T> {
    using lock = await this.#lock(true);
    const { set, files = [], result, after, undo } = await work(await this.#load(lock));
    if (!set) return result;
    const records = { path: join(this.path, "images.json"), content: encodeUtf8(serializeRecords(set.records)) };
    try {
      const lastWriter = await writeLastWriter(lock.file);
      this.#cache = undefined;
      await writeAllAtomically([...files, records]);
      this.#cache = { lastWriter, set };
    } catch (error) {
      await undo?.().catch(() => {});
      throw error;
    }
    await after?.().catch(() => {});
    await this.#sweep(set);
    return result;
  }

  /** Leftovers are rare, and looking for them takes time in a large store: there, once per program is enough. */
  async #sweep(set: RecordSet): Promise<void> {
    if (this.#swept && set.records.length > SMALL_STORE) return;
    this.#swept = true;
    // The save is made, whatever becomes of the leftovers.
    await removeLeftovers(this.path, set).catch(() => {});
  }

  async #lock(exclusive: boolean): Promise<HeldLock> {
    return await lockFile(this.#lockPath, { mode: this.#mode, exclusive });
  }

  async #load(lock: HeldLock): Promise<RecordSet> {
    const lastWriter = await readLastWriter(lock.file);
    // Without last-writer bytes nobody says whether the file changed.
    if (this.#cache && lastWriter !== "" && this.#cache.lastWriter === lastWriter) return this.#cache.set;
    const set = await this.#parse();
    // A writer who is not kept out may be between its new last-writer bytes and its new records.
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

async function readOrEmpty(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}
