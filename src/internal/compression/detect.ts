import { concatBytes } from "../bytes.ts";
import { type ByteStream, createStream, openReader, type Reader } from "../streams.ts";

/** Compression that its first bytes identify. The names, with the capital in `Xz`, are those of containers/image. */
export type Compression = "gzip" | "bzip2" | "Xz" | "zstd";

const MAGIC: ReadonlyArray<readonly [Compression, readonly number[]]> = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["Xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

const MAGIC_SIZE = 8;

/** Detects the compression of content that begins with `head`; `undefined` if it is not known. */
export function detectCompression(head: Uint8Array): Compression | undefined {
  return MAGIC.find(([, magic]) => magic.every((byte, at) => head[at] === byte))?.[0];
}

/**
 * Detects a stream's compression by its first bytes. Takes over the stream; the returned stream has the whole content. A
 * zstd stream that begins with a skippable frame is not detected. Rejects if the stream fails.
 */
export async function peekCompression(
  stream: ByteStream,
): Promise<{ compression: Compression | undefined; stream: ByteStream }> {
  const reader = openReader(stream);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0, ended = false;
  while (length < MAGIC_SIZE && !ended) {
    const chunk = await reader.read();
    if (chunk) chunks.push(chunk);
    length += chunk?.length ?? 0;
    ended = !chunk;
  }
  const compression = detectCompression(concatBytes(chunks.map((chunk) => chunk.subarray(0, MAGIC_SIZE))));
  const read: Reader["read"] = async (spare) => chunks.shift() ?? (ended ? undefined : await reader.read(spare));
  return { compression, stream: createStream(read, (reason) => reader.cancel(reason)) };
}
