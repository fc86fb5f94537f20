import { writeAll } from "./write_all.ts";

/** Time in milliseconds from which a write is slow: the cache of the disk takes a chunk in less than a tenth of that. */
const SLOW = 2;

/** A file that bytes are written to; `Deno.FsFile` has these members. */
export type WritableFile = Pick<Deno.FsFile, "write" | "writeSync">;

/**
 * Writes to a file. The cache of a disk takes a chunk in less time than another thread needs to take it over, so bytes are
 * written in this thread, until that blocks it once: on a slow disk, other transfers continue while it writes.
 */
export class FileWriter {
  readonly #file: WritableFile;
  readonly #now: () => number;
  #isSlow = false;

  /** Does not close the file. `now` returns the time in milliseconds. Default: `performance.now`. */
  constructor(file: WritableFile, now: () => number = () => performance.now()) {
    this.#file = file;
    this.#now = now;
  }

  /** Writes all bytes at the current position of the file. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isSlow) return await writeAll(this.#file, bytes);
    const started = this.#now();
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    this.#isSlow = this.#now() - started > SLOW;
  }
}
