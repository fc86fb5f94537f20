import { concatBytes } from "./bytes.ts";

/** The byte currency of the module. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** 256 KiB: with BYOB reads of `fetch` bodies, larger views are slower and smaller ones cost more calls. */
const VIEW_SIZE = 256 * 1024;

/** A stream of one chunk (none, where there are no bytes). */
export function streamOf(bytes: Uint8Array<ArrayBuffer>): ByteStream {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

/**
 * Iterates over a stream's chunks, with BYOB reads where the stream is a byte stream (several times faster for
 * `fetch` bodies). Leaving the loop early cancels the stream.
 */
export async function* readChunks(stream: ByteStream): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const next = openReader(stream);
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await next.read();
      if (done) break;
      if (value.length > 0) yield value;
    }
    ended = true;
  } catch (error) {
    ended = true;
    throw error;
  } finally {
    if (!ended) await next.cancel();
    next.release();
  }
}

interface Reader {
  read(): Promise<{ done: true; value?: undefined } | { done: false; value: Uint8Array<ArrayBuffer> }>;
  cancel(): Promise<void>;
  release(): void;
}

function openReader(stream: ByteStream): Reader {
  try {
    const byob = stream.getReader({ mode: "byob" });
    return {
      async read() {
        const { done, value } = await byob.read(new Uint8Array(VIEW_SIZE));
        return done ? { done } : { done, value: value as Uint8Array<ArrayBuffer> };
      },
      cancel: () => byob.cancel().catch(() => {}),
      release: () => byob.releaseLock(),
    };
  } catch (error) {
    if (stream.locked) throw error;
    const reader = stream.getReader();
    return {
      read: () => reader.read() as ReturnType<Reader["read"]>,
      cancel: () => reader.cancel().catch(() => {}),
      release: () => reader.releaseLock(),
    };
  }
}

/** Reads a whole stream, or returns `undefined` (having cancelled it) as soon as it exceeds `limit` bytes. */
export async function readStream(stream: ByteStream, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of readChunks(stream)) {
    size += chunk.length;
    if (size > limit) return undefined;
    parts.push(chunk);
  }
  return parts.length === 1 ? parts[0]! : concatBytes(parts);
}
