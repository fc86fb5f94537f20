import { concatBytes } from "../bytes.ts";
import { type ByteStream, mapStream } from "../streams.ts";

/** A compression that is known by its first bytes. The names are those of containers/image, whence the capital in `Xz`. */
export type Compression = "gzip" | "bzip2" | "Xz" | "zstd";

const MAGIC: ReadonlyArray<readonly [Compression, readonly number[]]> = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["Xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];

const MAGIC_SIZE = 8;

/** The compression of content that begins with `head`; `undefined` where it is none that is known. */
export function detectCompression(head: Uint8Array): Compression | undefined {
  return MAGIC.find(([, magic]) => magic.every((byte, at) => head[at] === byte))?.[0];
}

/**
 * Tells a stream's compression by its first bytes. Takes over the stream and loses nothing of it: read on from the one
 * that is returned. A zstd stream that begins with a skippable frame is not recognised. Rejects where the stream fails.
 */
export async function peekCompression(
  stream: ByteStream,
): Promise<{ compression: Compression | undefined; stream: ByteStream }> {
  const reader = mapStream(stream, {}).getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0, ended = false;
  while (length < MAGIC_SIZE && !ended) {
    const { value } = await reader.read();
    if (value) chunks.push(value);
    length += value?.length ?? 0;
    ended = !value;
  }
  const compression = detectCompression(concatBytes(chunks.map((chunk) => chunk.subarray(0, MAGIC_SIZE))));
  const replayed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const chunk = chunks.shift() ?? (ended ? undefined : (await reader.read()).value);
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { compression, stream: replayed };
}
