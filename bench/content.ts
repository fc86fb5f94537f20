/** Content for the layers of large images. */

const SIZE = 120_000_000;

/** Creates random bytes, which cannot be compressed, as in compressed files. */
export function createNoise(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  for (let i = 0; i < SIZE; i += 60_000) crypto.getRandomValues(bytes.subarray(i, i + 60_000));
  return bytes;
}

/** Creates bytes that compress to a third, as programs do: words of 6 to 25 random bytes in a random order. */
export function createWords(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  const store = crypto.getRandomValues(new Uint8Array(40_000));
  const picks = crypto.getRandomValues(new Uint32Array(16_384));
  for (let at = 0, i = 0; at < SIZE; i++) {
    const pick = picks[i % picks.length]! + Math.imul(i, 2654435761) >>> 0;
    const word = store.subarray(pick % 39_000, pick % 39_000 + 6 + (pick >>> 20) % 20).subarray(0, SIZE - at);
    bytes.set(word, at);
    at += word.length;
  }
  return bytes;
}
