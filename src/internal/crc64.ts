/** The polynomial of ECMA-182's shorter relative (ISO 3309), reflected; its low half is zero, so it needs no table. */
const TABLE = new Uint32Array(256).map((_, i) => {
  let [high, low] = [0, i];
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1;
    low = (low >>> 1) | (high << 31);
    high = (high >>> 1) ^ (odd ? 0xd8000000 : 0);
  }
  return high >>> 0;
});

/** CRC-64 as Go's `crc64.ISO` computes it, piece by piece. */
export class Crc64 {
  #high = 0xffffffff;
  #low = 0xffffffff;

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    let [high, low] = [this.#high, this.#low];
    for (let i = 0; i < bytes.length; i++) {
      const entry = TABLE[(low ^ bytes[i]!) & 0xff]!;
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) ^ entry;
    }
    [this.#high, this.#low] = [high, low];
  }

  /** The sum as eight bytes, the highest first. */
  bytes(): Uint8Array<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, ~this.#high >>> 0);
    view.setUint32(4, ~this.#low >>> 0);
    return new Uint8Array(view.buffer);
  }
}
