import { type ByteStream, mapStream, readStream } from "../internal/room.ts";
import { type Descriptor, UNKNOWN_SIZE } from "./descriptor.ts";
import { createDigester, digestAlgorithm, type Digester } from "./digest.ts";
import { DigestMismatchError, ManifestsError } from "../errors/room.ts";

/** Throws the error that content is shorter or longer than its descriptor says. */
function failSize(descriptor: Descriptor, actual: string): never {
  throw new ManifestsError(
    "SIZE_MISMATCH",
    `Cannot accept blob ${descriptor.digest} as its size differs: expected ${descriptor.size} bytes, got ${actual}`,
  );
}

/**
 * A stream that passes bytes on while it checks them against a descriptor. The last chunk is withheld until size and
 * digest are known to be right, so a consumer never sees the end of content that is wrong: it gets an error with code
 * `SIZE_MISMATCH` or `DIGEST_MISMATCH` instead, and `INVALID_DIGEST` if the digest's algorithm is not supported.
 *
 * @param options.onBytes Called with the length of every chunk.
 * @param options.signal Ends the read at once, even if the source stands still.
 */
export function verifyBlob(
  stream: ByteStream,
  descriptor: Descriptor,
  { onBytes, signal }: { onBytes?: (count: number) => void; signal?: AbortSignal | undefined } = {},
): ByteStream {
  let digester: Digester | undefined;
  // Not before the first chunk: an error inside the stream also cancels what it reads from.
  const start = () => createDigester(digestAlgorithm(descriptor.digest));
  const known = descriptor.size !== UNKNOWN_SIZE;
  let size = 0;
  let withheld: Uint8Array<ArrayBuffer> | undefined;
  return mapStream(stream, {
    signal,
    chunk(bytes) {
      size += bytes.length;
      if (known && size > descriptor.size) failSize(descriptor, `at least ${size}`);
      (digester ??= start()).update(bytes);
      onBytes?.(bytes.length);
      const ready = withheld;
      withheld = bytes;
      return ready;
    },
    end() {
      if (known && size !== descriptor.size) failSize(descriptor, `${size}`);
      const actual = (digester ??= start()).digest();
      if (actual === descriptor.digest) return withheld;
      throw new DigestMismatchError(`blob ${descriptor.digest}`, descriptor.digest, actual);
    },
  });
}

/**
 * Reads a whole blob into memory, verified.
 *
 * @param limit How many bytes it may have.
 * @param signal Ends the read at once, even if the source stands still.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED`, `SIZE_MISMATCH` or `DIGEST_MISMATCH`.
 */
export async function readBlob(
  stream: ByteStream,
  descriptor: Descriptor,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = descriptor.size > limit
    ? undefined
    : await readStream(verifyBlob(stream, descriptor, { signal }), limit);
  if (bytes === undefined) {
    await stream.cancel().catch(() => {});
    throw new ManifestsError(
      "LIMIT_EXCEEDED",
      `Cannot read blob ${descriptor.digest} into memory as it has more than ${limit} bytes`,
    );
  }
  return bytes;
}
