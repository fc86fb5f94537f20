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

/** Incremental CRC-64, as Go's `crc64.ISO` computes it. */
export class Crc64 {
  #high = 0xffffffff;
  #low = 0xffffffff;

  /** Adds bytes to the sum. */
  update(bytes: Uint8Array): void {
    let [high, low] = [this.#high, this.#low];
    for (let i = 0; i < bytes.length; i++) {
      const entry = TABLE[(low ^ bytes[i]!) & 0xff]!;
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) ^ entry;
    }
    [this.#high, this.#low] = [high, low];
  }

  /** Returns the sum as eight bytes, big-endian. */
  bytes(): Uint8Array<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, ~this.#high >>> 0);
    view.setUint32(4, ~this.#low >>> 0);
    return new Uint8Array(view.buffer);
  }
}
