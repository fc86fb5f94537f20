import { type ByteStream, mapStream, readStream } from "../internal/room.ts";
import { type Descriptor, UNKNOWN_SIZE } from "./descriptor.ts";
import { createDigester, type Digest, digestAlgorithm, type Digester } from "./digest.ts";
import { DigestMismatchError, ManifestsError } from "../errors/room.ts";

/** Throws the error for content whose size differs from its descriptor. */
function failSize(descriptor: Descriptor, actual: string): never {
  throw new ManifestsError(
    "SIZE_MISMATCH",
    `Cannot accept blob ${descriptor.digest}: wrong size: expected ${descriptor.size} bytes, got ${actual}`,
  );
}

/** Streams that fail by themselves unless their bytes have a digest, with that digest. */
const verified = new WeakMap<ByteStream, Digest>();

/** Marks a stream that verifies its bytes against a digest and withholds the last chunk, so that they are not hashed again. */
export function markVerified(stream: ByteStream, digest: Digest): ByteStream {
  verified.set(stream, digest);
  return stream;
}

/**
 * Returns a stream that verifies bytes against a descriptor while it passes them on. The last chunk is withheld until size
 * and digest are verified, so a consumer never gets wrong content completely: the stream fails with code `SIZE_MISMATCH`
 * or `DIGEST_MISMATCH` instead, and with `INVALID_DIGEST` if the digest's algorithm is not supported.
 *
 * @param options.onBytes Called with the length of each chunk, in bytes. Default: no callback.
 * @param options.signal Aborts the read at once, even if the source is stalled. Default: no signal.
 */
export function verifyBlob(
  stream: ByteStream,
  descriptor: Descriptor,
  { onBytes, signal }: { onBytes?: (count: number) => void; signal?: AbortSignal | undefined } = {},
): ByteStream {
  let digester: Digester | undefined;
  // Created with the first chunk, because an error inside the stream also cancels its source.
  const start = () => createDigester(digestAlgorithm(descriptor.digest));
  const isVerified = verified.get(stream) === descriptor.digest;
  const known = descriptor.size !== UNKNOWN_SIZE;
  let size = 0;
  let withheld: Uint8Array<ArrayBuffer> | undefined;
  return mapStream(stream, {
    signal,
    chunk(bytes) {
      size += bytes.length;
      if (known && size > descriptor.size) failSize(descriptor, `at least ${size}`);
      if (!isVerified) (digester ??= start()).update(bytes);
      onBytes?.(bytes.length);
      const ready = withheld;
      withheld = bytes;
      return ready;
    },
    end() {
      if (known && size !== descriptor.size) failSize(descriptor, `${size}`);
      const actual = isVerified ? descriptor.digest : (digester ??= start()).digest();
      if (actual === descriptor.digest) return withheld;
      throw new DigestMismatchError(`blob ${descriptor.digest}`, descriptor.digest, actual);
    },
  });
}

/**
 * Reads a whole blob into memory and verifies it.
 *
 * @param limit Maximum size of the blob, in bytes.
 * @param signal Aborts the read at once, even if the source is stalled. Default: no signal.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED`, `SIZE_MISMATCH`, `DIGEST_MISMATCH` or `INVALID_DIGEST`.
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
      `Cannot read blob ${descriptor.digest} into memory: it has more than ${limit} bytes`,
    );
  }
  return bytes;
}
