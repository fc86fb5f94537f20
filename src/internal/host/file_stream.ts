import { abortableStream, type ByteStream, createStream, openReader, ReusedBuffers } from "../streams.ts";

/** Size of the buffers for reads, in bytes: with larger ones, reading and hashing is not faster. */
const BUFFER_SIZE = 128 * 1024;

/** Opens a file as a stream, whose buffers are used again if the consumer gives them back. */
export async function openFileStream(path: string): Promise<ByteStream> {
  const file = await Deno.open(path);
  let isOpen = true;
  const close = () => {
    if (isOpen) file.close();
    isOpen = false;
    return Promise.resolve();
  };
  const buffers = new ReusedBuffers();
  const read = async (spare?: Uint8Array<ArrayBuffer>) => {
    const buffer = buffers.take(spare, BUFFER_SIZE);
    try {
      const count = await file.read(new Uint8Array(buffer));
      if (count !== null) return new Uint8Array(buffer, 0, count);
    } catch (error) {
      await close();
      throw error;
    }
    await close();
    return undefined;
  };
  return createStream(read, close);
}

/**
 * Calls `write` with each chunk of a stream, whose buffer is used again afterwards. If the signal aborts, a read that waits
 * ends at once, and the stream is cancelled, as after every failure.
 */
export async function writeStream(
  stream: ByteStream,
  write: (bytes: Uint8Array) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const reader = openReader(abortableStream(stream, signal));
  try {
    for (let chunk; (chunk = await reader.read(chunk));) await write(chunk);
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    reader.release();
  }
}
