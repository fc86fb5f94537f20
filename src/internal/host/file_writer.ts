import { writeAll } from "./write_all.ts";

/**
 * Time in milliseconds from which a write is slow: the cache of the disk takes a chunk in less than a tenth of that, and
 * in 2 to 5 milliseconds now and then while it is synced.
 */
const SLOW = 10;

/** Number of bytes after which they are sent to the disk. With more, the disk is idle for longer at the start. */
const SYNC_SIZE = 16 * 1024 * 1024;

/** A file that bytes are written to; `Deno.FsFile` has these members. */
export type WritableFile = Pick<Deno.FsFile, "write" | "writeSync" | "syncData">;

/** Options of {@linkcode FileWriter}. */
interface FileWriterOptions {
  readonly syncs?: boolean;
  readonly now?: () => number;
}

/**
 * Writes to a file. The cache of a disk takes a chunk in less time than another thread needs to take it over, so bytes are
 * written in this thread, until that blocks it: while the disk is slow, other transfers continue during a write.
 *
 * Long files are synced while they are written, so that the disk works while the source is read, not only at the end.
 */
export class FileWriter {
  readonly #file: WritableFile;
  readonly #syncs: boolean;
  readonly #now: () => number;
  #isSlow = false;
  /** Number of bytes that were written since the last sync began. */
  #unsynced = 0;
  #syncing: Promise<void> | undefined;
  /** Error of a sync: the system reports it only once, so that a later sync would succeed although bytes are lost. */
  #failure: { error: unknown } | undefined;

  /**
   * Does not close the file.
   *
   * @param options `syncs`: the bytes must survive a crash of the system. Default: `true`. `now`: returns the time in
   * milliseconds. Default: `performance.now`.
   */
  constructor(file: WritableFile, { syncs = true, now = () => performance.now() }: FileWriterOptions = {}) {
    this.#file = file;
    this.#syncs = syncs;
    this.#now = now;
  }

  /** Writes all bytes at the current position of the file. Rejects if they, or earlier ones, cannot be written. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    const started = this.#now();
    if (this.#isSlow) await writeAll(this.#file, bytes);
    else for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    this.#isSlow = this.#now() - started > SLOW;
    this.#unsynced += bytes.length;
    if (this.#syncs && this.#unsynced >= SYNC_SIZE) this.#syncing ??= this.#sync();
  }

  /** Waits for the sync under way, after which the file may be closed. Rejects if bytes could not be written. */
  async settle(): Promise<void> {
    await this.#syncing;
    if (this.#failure) throw this.#failure.error;
  }

  async #sync(): Promise<void> {
    this.#unsynced = 0;
    try {
      await this.#file.syncData();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#syncing = undefined;
  }
}
