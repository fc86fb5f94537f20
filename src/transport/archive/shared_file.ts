import { Semaphore } from "../../internal/room.ts";

/** A file of which several readers read several places: one handle, so that all see the same file. */
export class SharedFile implements Disposable {
  readonly #file: Deno.FsFile;
  // The position belongs to the handle, so a seek and its read must not be parted.
  readonly #turn = new Semaphore(1);

  /** Takes the file over: it is closed with this. */
  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** The bytes at a position: as many as were asked for, or fewer where the file ends. */
  read(position: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#turn.run(async () => {
      await this.#file.seek(position, Deno.SeekMode.Start);
      const bytes = new Uint8Array(size);
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
