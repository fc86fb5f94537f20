/** Size of a piece, in bytes. Larger pieces were not faster. */
const PIECE = 256 * 1024;

/**
 * Collects the small chunks of a request body into large pieces, and writes one piece while the next one is collected. A
 * write for each chunk makes the server slower than its clients, and the cost of a chunked body in Deno grows with the
 * bytes that wait.
 */
export class PieceBuffer {
  readonly #write: (piece: Uint8Array<ArrayBuffer>) => Promise<void>;
  #piece = new Uint8Array(PIECE);
  /** The piece that is being written or was written last. */
  #other = new Uint8Array(PIECE);
  #filled = 0;
  #writing = Promise.resolve();

  /** `write` is called with one piece after another; it must not use a piece after its promise has settled. */
  constructor(write: (piece: Uint8Array<ArrayBuffer>) => Promise<void>) {
    this.#write = write;
  }

  /** Adds a chunk. Rejects if a write has failed. */
  async add(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + PIECE - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === PIECE) await this.#writePiece();
    }
  }

  /** Writes what is left, and waits until everything is written. */
  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#writePiece();
    await this.#writing;
  }

  async #writePiece(): Promise<void> {
    await this.#writing;
    this.#writing = this.#write(this.#piece.subarray(0, this.#filled));
    // The next call reports the error.
    this.#writing.catch(() => {});
    [this.#piece, this.#other] = [this.#other, this.#piece];
    this.#filled = 0;
  }
}
