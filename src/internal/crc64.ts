/** High halves of the table for the reflected polynomial of ISO 3309. Its low half is zero, so that needs no table. */
const TABLE = new Uint32Array(256).map((_, i) => {
  let [high, low] = [0, i];
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1;
    low = (low >>> 1) | (high << 31);
    high = (high >>> 1) ^ (odd ? 0xd8000000 : 0);
  }
  return high >>> 0;
});

/** Whether the host stores numbers with the lowest byte first, as the words of the sum are read. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Incremental CRC-64, as Go's `crc64.ISO` computes it. */
export class Crc64 {
  #high = 0xffffffff;
  #low = 0xffffffff;

  /** Adds bytes to the sum. */
  update(bytes: Uint8Array): void {
    const words = IS_LITTLE_ENDIAN ? Math.floor((bytes.length - this.#unaligned(bytes)) / 4) : 0;
    if (words <= 0) return this.#addBytes(bytes);
    const start = this.#unaligned(bytes);
    this.#addBytes(bytes.subarray(0, start));
    this.#addWords(new Uint32Array(bytes.buffer, bytes.byteOffset + start, words));
    this.#addBytes(bytes.subarray(start + words * 4));
  }

  /** Returns the sum as eight bytes, big-endian. */
  bytes(): Uint8Array<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, ~this.#high >>> 0);
    view.setUint32(4, ~this.#low >>> 0);
    return new Uint8Array(view.buffer);
  }

  /** Returns the number of bytes before the first whole word of memory. */
  #unaligned({ byteOffset }: Uint8Array): number {
    return -byteOffset & 3;
  }

  #addBytes(bytes: Uint8Array): void {
    let [high, low] = [this.#high, this.#low];
    for (let i = 0; i < bytes.length; i++) {
      const entry = TABLE[(low ^ bytes[i]!) & 0xff]!;
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) ^ entry;
    }
    [this.#high, this.#low] = [high, low];
  }

  /**
   * Adds words of 32 bits. The polynomial x^64 + x^4 + x^3 + x + 1 has so few terms that a word can be reduced without a
   * table: x^64 equals x^4 + x^3 + x + 1, and the product of that with a word has fewer than 64 bits. For its high half,
   * the factors (x + 1)(x^3 + 1) need fewer steps.
   */
  #addWords(words: Uint32Array): void {
    let high = this.#high, low = this.#low;
    for (let i = 0; i < words.length; i++) {
      const word = low ^ words[i]!;
      low = high ^ (word << 31) ^ (word << 29) ^ (word << 28);
      const product = word ^ (word >>> 1);
      high = product ^ (product >>> 3);
    }
    [this.#high, this.#low] = [high, low];
  }
}
