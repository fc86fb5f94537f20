import { Semaphore } from "../../internal/room.ts";

/** A file that several readers read at different positions. They share one handle, so that all see the same file. */
export class SharedFile implements Disposable {
  readonly #file: Deno.FsFile;
  // The position belongs to the handle, so no other read may come between a seek and its read.
  readonly #turn = new Semaphore(1);

  /** Takes ownership of the file: disposing this object closes it. */
  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Reads `size` bytes at a position; fewer if the file ends before.
   *
   * @param buffer Buffer of at least this size for the bytes. Default: a new one.
   */
  read(position: number, size: number, buffer = new ArrayBuffer(size)): Promise<Uint8Array<ArrayBuffer>> {
    return this.#turn.run(async () => {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      const bytes = new Uint8Array(buffer, 0, size);
      let length = 0;
      while (length < size) {
        const count = await this.#file.read(bytes.subarray(length));
        if (count === null) break;
        length += count;
      }
      return bytes.subarray(0, length);
    });
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
