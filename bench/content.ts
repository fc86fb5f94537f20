/** Content for the layers of large images. */

const SIZE = 120_000_000;

/** Creates random bytes, which cannot be compressed, as in compressed files. */
export function createNoise(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  for (let i = 0; i < SIZE; i += 60_000) crypto.getRandomValues(bytes.subarray(i, i + 60_000));
  return bytes;
}

/** Returns the bytes of a program, the one of Deno, which gzip compresses to about 40 %. Each call begins elsewhere in it. */
export function createProgram(): Uint8Array<ArrayBuffer> {
  const program = Deno.readFileSync(Deno.execPath());
  const bytes = new Uint8Array(SIZE);
  const start = Math.floor(Math.random() * program.length);
  for (let at = 0, from = start; at < SIZE; from = 0) {
    const part = program.subarray(from, from + SIZE - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
