import { CompressionError } from "./errors.ts";

const MAGIC = 0xfd2fb528, SKIPPABLE_MAGIC = 0x184d2a50;
const RLE_BLOCK = 1;

type Field = "magic" | "skippable" | "descriptor" | "header" | "block";

/**
 * Tracks the frames of a zstd stream (RFC 8878 §3.1) without decoding them. The runtime's decoder reports no error if its
 * input ends inside a frame, and stops after the first of two frames in one chunk.
 */
export class ZstdFrameTracker {
  readonly #held = new Uint8Array(18);
  #heldSize = 0;
  /** Size of the next field, in bytes. */
  #fieldSize = 4;
  /** Number of bytes to skip before the next field. */
  #skip = 0;
  #field: Field = "magic";
  #hasChecksum = false;
  #frames = 0;

  /** Tracks the next bytes and splits them at the ends of frames. Throws if other bytes follow a frame. */
  split(chunk: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
      } else {
        const part = chunk.subarray(at, at + this.#fieldSize - this.#heldSize);
        this.#held.set(part, this.#heldSize);
        this.#heldSize += part.length;
        at += part.length;
        if (this.#heldSize === this.#fieldSize) this.#readField();
      }
      if (!this.#isBetweenFrames && at < chunk.length) continue;
      pieces.push(chunk.subarray(start, at));
      start = at;
    }
    return pieces;
  }

  /** Throws if the stream must not end here. */
  end(): void {
    if (this.#frames > 0 && this.#isBetweenFrames) return;
    throw new CompressionError("Cannot decompress zstd: unexpected end of file");
  }

  get #isBetweenFrames(): boolean {
    return this.#field === "magic" && this.#heldSize === 0 && this.#skip === 0;
  }

  #readField(): void {
    const view = new DataView(this.#held.buffer);
    this.#heldSize = 0;
    switch (this.#field) {
      case "magic":
        this.#frames++;
        return this.#begin(view.getUint32(0, true));
      case "skippable":
        this.#skip = view.getUint32(0, true);
        return this.#expect("magic", 4);
      case "descriptor":
        return this.#describe(view.getUint8(0));
      case "header":
        return this.#expect("block", 3);
      case "block":
        return this.#block(view.getUint16(0, true) | view.getUint8(2) << 16);
    }
  }

  #expect(field: Field, size: number): void {
    this.#field = field;
    this.#fieldSize = size;
  }

  #begin(magic: number): void {
    if (magic === MAGIC) return this.#expect("descriptor", 1);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return this.#expect("skippable", 4);
    throw new CompressionError("Cannot decompress zstd: unexpected bytes after a frame");
  }

  #describe(descriptor: number): void {
    const isSingleSegment = (descriptor & 0x20) !== 0;
    this.#hasChecksum = (descriptor & 0x04) !== 0;
    const dictionarySize = [0, 1, 2, 4][descriptor & 3]!;
    const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    this.#expect("header", (isSingleSegment ? 0 : 1) + dictionarySize + contentSize);
  }

  #block(header: number): void {
    const isLast = (header & 1) !== 0;
    this.#skip = (header >> 1 & 3) === RLE_BLOCK ? 1 : header >> 3;
    if (!isLast) return this.#expect("block", 3);
    if (this.#hasChecksum) this.#skip += 4;
    this.#expect("magic", 4);
  }
}
