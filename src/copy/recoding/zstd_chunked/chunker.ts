/** Bytes that the rolling checksum looks at. */
const WINDOW = 64;
/** What is added to each byte, so that zeros count. */
const OFFSET = 31;
/** A chunk ends where these bits of the checksum are all set: every 64 KiB on average. */
const MASK = 0xffff;
/** So many zeros in a row are a chunk of their own. */
const MIN_ZEROS = 1024;

const ZEROS = new Uint8Array(64 * 1024);

/** A piece of a file. */
export interface Piece {
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it is of a run of zeros. */
  readonly zeros: boolean;
  /** Whether a chunk ends after it, if anything is in that. */
  readonly last: boolean;
}

/**
 * Cuts the content of one file where its content says so (storage `chunked/compressor`): equal content in two versions of
 * a file is cut equally, whatever stands before it. Runs of zeros become chunks of their own.
 */
export class Chunker {
  #window = new Uint8Array(WINDOW);
  #at = 0;
  #s1 = WINDOW * OFFSET;
  #s2 = WINDOW * (WINDOW - 1) * OFFSET;
  /** Zeros at the end of what came, of which nobody knows yet whether they are a run. */
  #pending = 0;

  /** Cuts the next bytes. */
  *cut(bytes: Uint8Array<ArrayBuffer>): Generator<Piece, void, undefined> {
    let start = 0;
    for (let i = 0; i < bytes.length;) {
      const stop = endOf(bytes, i, bytes[i] === 0);
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

  /** The last pieces. */
  *end(): Generator<Piece, void, undefined> {
    yield* this.#release();
    yield { bytes: new Uint8Array(), zeros: false, last: true };
  }

  /** Gives out the zeros that are pending, as a run or as the data that they are. */
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
    // So many zeros leave the checksum as it was at the start.
    this.#window = new Uint8Array(WINDOW);
    [this.#at, this.#s1, this.#s2] = [0, WINDOW * OFFSET, WINDOW * (WINDOW - 1) * OFFSET];
  }

  /** Feeds bytes to the checksum until it says to cut; the place after that byte, or 0 where it does not. */
  #roll(bytes: Uint8Array, from: number, to: number): number {
    const window = this.#window;
    let [at, s1, s2] = [this.#at, this.#s1, this.#s2];
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
    [this.#at, this.#s1, this.#s2] = [at, s1, s2];
    return cut;
  }
}

/** Where a stretch of zeros, or of other bytes, ends. */
function endOf(bytes: Uint8Array, from: number, zeros: boolean): number {
  if (!zeros) {
    const zero = bytes.indexOf(0, from);
    return zero < 0 ? bytes.length : zero;
  }
  let i = from;
  while (i < bytes.length && bytes[i] === 0) i++;
  return i;
}
