/** Window of the rolling checksum, in bytes; as in containers/storage `chunked/compressor`. */
const WINDOW = 64;
/** Added to each byte so that zeros change the checksum. */
const OFFSET = 31;
/** A chunk ends when all of these bits of the checksum are set: every 64 KiB on average. */
const MASK = 0xffff;
/** Minimum length of a run of zeros that becomes a separate chunk, in bytes. */
const MIN_ZEROS = 1024;

const ZEROS = new Uint8Array(64 * 1024);

/** A piece of a file. */
export interface Piece {
  /** The bytes of this piece. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it belongs to a run of zeros. */
  readonly zeros: boolean;
  /** Whether the chunk ends after this piece, unless the chunk is empty. */
  readonly last: boolean;
}

/**
 * Cuts a file into chunks at positions that depend only on the content (containers/storage `chunked/compressor`): equal
 * content in two versions of a file is cut equally, whatever precedes it. Runs of zeros become separate chunks.
 */
export class Chunker {
  #window = new Uint8Array(WINDOW);
  #position = 0;
  #s1 = WINDOW * OFFSET;
  #s2 = WINDOW * (WINDOW - 1) * OFFSET;
  /** Number of trailing zeros of the input so far, which may become a run. */
  #pending = 0;

  /** Cuts the next bytes of the file. */
  *cut(bytes: Uint8Array<ArrayBuffer>): Generator<Piece, void, undefined> {
    let start = 0;
    for (let i = 0; i < bytes.length;) {
      const stop = findRunEnd(bytes, i, bytes[i] === 0);
      if (bytes[i] === 0) {
        const zeros = this.#pending + stop - i;
        const isOver = stop < bytes.length;
        if (!isOver || zeros >= MIN_ZEROS) {
          yield { bytes: bytes.subarray(start, i), zeros: false, last: false };
          start = stop;
          this.#pending = zeros;
          if (isOver) yield* this.#release();
          i = stop;
          continue;
        }
        yield* this.#release();
      } else {
        yield* this.#release();
      }
      for (let cut; (cut = this.#roll(bytes, i, stop)) > 0; i = cut) {
        yield { bytes: bytes.subarray(start, cut), zeros: false, last: true };
        start = cut;
      }
      i = stop;
    }
    yield { bytes: bytes.subarray(start), zeros: false, last: false };
  }

  /** Returns the last pieces of the file. */
  *end(): Generator<Piece, void, undefined> {
    yield* this.#release();
    yield { bytes: new Uint8Array(), zeros: false, last: true };
  }

  /** Emits the pending zeros, as a run or as ordinary data. */
  *#release(): Generator<Piece, void, undefined> {
    let left = this.#pending;
    this.#pending = 0;
    if (left < MIN_ZEROS) {
      for (let at = 0; at < left;) {
        const cut = this.#roll(ZEROS, at, left);
        yield { bytes: ZEROS.subarray(at, cut > 0 ? cut : left), zeros: false, last: cut > 0 };
        at = cut > 0 ? cut : left;
      }
      return;
    }
    yield { bytes: new Uint8Array(), zeros: false, last: true };
    for (; left > 0; left -= Math.min(left, ZEROS.length)) {
      yield { bytes: ZEROS.subarray(0, left), zeros: true, last: left <= ZEROS.length };
    }
    // A window full of zeros resets the checksum to its initial state.
    this.#window = new Uint8Array(WINDOW);
    [this.#position, this.#s1, this.#s2] = [0, WINDOW * OFFSET, WINDOW * (WINDOW - 1) * OFFSET];
  }

  /** Adds bytes to the checksum until it marks a cut; returns the index after that byte, or 0 without a cut. */
  #roll(bytes: Uint8Array, from: number, to: number): number {
    const window = this.#window;
    let [at, s1, s2] = [this.#position, this.#s1, this.#s2];
    let cut = 0;
    for (let i = from; i < to; i++) {
      const incoming = bytes[i]!;
      const outgoing = window[at]!;
      window[at] = incoming;
      at = (at + 1) & (WINDOW - 1);
      s1 = (s1 + incoming - outgoing) | 0;
      s2 = (s2 + s1 - WINDOW * (outgoing + OFFSET)) | 0;
      if ((s2 & MASK) === MASK) {
        cut = i + 1;
        break;
      }
    }
    [this.#position, this.#s1, this.#s2] = [at, s1, s2];
    return cut;
  }
}

/** Returns the end index of a run of zeros, or of other bytes. */
function findRunEnd(bytes: Uint8Array, from: number, zeros: boolean): number {
  if (!zeros) {
    const zero = bytes.indexOf(0, from);
    return zero < 0 ? bytes.length : zero;
  }
  let i = from;
  while (i < bytes.length && bytes[i] === 0) i++;
  return i;
}
