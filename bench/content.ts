/** What the layers of large images are made of. */

const SIZE = 120_000_000;

/** Bytes that do not get smaller, as of what is compressed already. */
export function noise(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  for (let i = 0; i < SIZE; i += 60_000) crypto.getRandomValues(bytes.subarray(i, i + 60_000));
  return bytes;
}

/** Bytes that become a third, as programs do: words in a random order, with something new now and then. */
export function words(): Uint8Array<ArrayBuffer> {
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
