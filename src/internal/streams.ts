import { concatBytes } from "./bytes.ts";
import { ReadGuard, type ReadLimits } from "./read_guard.ts";

/** Stream of bytes, as used everywhere in this module. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * Bounds of the buffers for BYOB reads, in bytes. 64 KiB was fastest for `fetch` bodies with a new buffer for each read,
 * 256 KiB with buffers that are used again; below 4 KiB nothing is saved.
 */
const MAX_VIEW = 64 * 1024, MAX_REUSED_VIEW = 128 * 1024, MIN_VIEW = 4 * 1024;
/** Size of the first buffer, in bytes: most bodies are manifests and configurations, which are smaller. */
const FIRST_VIEW = 8 * 1024;

/** Returns a stream of the bytes as one chunk, or of no chunk if they are empty. */
export function toStream(bytes: Uint8Array<ArrayBuffer>): ByteStream {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

/** Reads a stream chunk by chunk. */
export interface Reader {
  /**
   * Reads the next chunk; `undefined` at the end.
   *
   * @param spare Chunk of an earlier read that the caller no longer needs: the reader may overwrite its buffer, which
   * saves a new one for each chunk. Default: every chunk remains as it is.
   */
  read(spare?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Cancels the stream, even while a read waits. */
  cancel(reason?: unknown): Promise<void>;
  /** Ends the reading, so that the stream can be read or cancelled elsewhere. */
  release(): void;
}

/**
 * Functions that streams of {@linkcode createStream} read with. A reader of this module calls them directly, which saves
 * the queue and the promises of a `ReadableStream` for each chunk and each layer of streams.
 */
const readFunctions = new WeakMap<ByteStream, Pick<Reader, "read" | "cancel">>();

/** Opens a reader: a direct one for streams of {@linkcode createStream}, else a BYOB reader if the stream is a byte stream. */
export function openReader(stream: ByteStream): Reader {
  const functions = stream.locked ? undefined : readFunctions.get(stream);
  if (functions) {
    const lock = stream.getReader();
    return { ...functions, release: () => lock.releaseLock() };
  }
  try {
    return openByobReader(stream.getReader({ mode: "byob" }));
  } catch (error) {
    if (stream.locked) throw error;
    const reader = stream.getReader();
    return {
      read: async () => (await reader.read()).value,
      cancel: (reason) => reader.cancel(reason),
      release: () => reader.releaseLock(),
    };
  }
}

/** Buffers of one reader, which are used again when its consumer gives their chunks back. */
export class ReusedBuffers {
  // A spare chunk may also come from another source, which may still need it.
  readonly #own = new WeakSet<ArrayBuffer>();

  /** Returns the buffer of a spare chunk if it belongs to this reader and has the size, otherwise a new one. */
  take(spare: Uint8Array<ArrayBuffer> | undefined, size: number): ArrayBuffer {
    const isReusable = spare?.buffer.byteLength === size && this.#own.has(spare.buffer);
    return isReusable ? spare.buffer : this.add(new ArrayBuffer(size));
  }

  /** Adds a buffer that belongs to this reader, and returns it. */
  add(buffer: ArrayBuffer): ArrayBuffer {
    this.#own.add(buffer);
    return buffer;
  }
}

/** Wraps a BYOB reader, which reads `fetch` bodies several times faster. */
function openByobReader(byob: ReadableStreamBYOBReader): Reader {
  let size = FIRST_VIEW;
  const buffers = new ReusedBuffers();
  return {
    async read(spare) {
      const { done, value } = await byob.read(new Uint8Array(buffers.take(spare, size)));
      if (done) return undefined;
      // The read has transferred the bytes to another object.
      buffers.add(value.buffer as ArrayBuffer);
      // The buffer size follows the chunks: small chunks in large buffers would waste megabytes.
      if (value.length === size) size = Math.min(size * 2, spare ? MAX_REUSED_VIEW : MAX_VIEW);
      else if (value.length * 4 < size) size = Math.max(size / 2, MIN_VIEW);
      return value as Uint8Array<ArrayBuffer>;
    },
    cancel: (reason) => byob.cancel(reason),
    release: () => byob.releaseLock(),
  };
}

/**
 * Returns a stream of the chunks that `read` returns, until it returns `undefined`. It does not read ahead.
 *
 * @param cancel Called when the consumer cancels the stream, even while a read waits.
 */
export function createStream(read: Reader["read"], cancel: Reader["cancel"]): ByteStream {
  const stream: ByteStream = new ReadableStream({
    async pull(controller) {
      const chunk = await read();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel,
  }, { highWaterMark: 0 });
  readFunctions.set(stream, { read, cancel });
  return stream;
}

/**
 * Iterates over a stream's chunks. Leaving the loop early cancels the stream.
 *
 * @param options `reuses`: each chunk is overwritten when the next one is read, which is twice as fast for large bodies. Default: `false`.
 */
export async function* readChunks(
  stream: ByteStream,
  { reuses = false }: { reuses?: boolean } = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = openReader(stream);
  let ended = false;
  try {
    for (let chunk; (chunk = await reader.read(reuses ? chunk : undefined));) yield chunk;
    ended = true;
  } catch (error) {
    ended = true;
    throw error;
  } finally {
    if (!ended) await reader.cancel().catch(() => {});
    reader.release();
  }
}

/** Callbacks of {@linkcode mapStream}. */
export interface StreamHooks extends ReadLimits {
  /** Called with each chunk; returns the chunk to pass on, if any. If it throws, the source is cancelled. */
  chunk?(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined;
  /** Called at the end; returns a last chunk, if any. If it throws, the stream fails instead of ending. */
  end?(): Uint8Array<ArrayBuffer> | undefined;
  /** Returns the error that replaces a failure of the source. Default: the failure itself. */
  fail?(error: unknown): unknown;
  /**
   * Called when the source fails, or, without an argument, when it ends. Returns a source that continues the stream, if
   * any. If it throws, that error replaces the failure or the end.
   */
  resume?(failure?: { error: unknown }): Promise<ByteStream | undefined>;
  /** Called when the consumer cancels the stream. */
  cancel?(reason: unknown): void;
}

/** Returns a stream that passes another one on. It does not read ahead, and a cancel reaches the source at once. */
export function mapStream(source: ByteStream, hooks: StreamHooks): ByteStream {
  let reader = openReader(source);
  let isOver = false;
  const guard = new ReadGuard(hooks);
  const read = async (spare: Uint8Array<ArrayBuffer> | undefined) => {
    for (;;) {
      let failure: { error: unknown } | undefined;
      try {
        const chunk = await guard.wait(reader.read(spare));
        if (chunk) return chunk;
      } catch (error) {
        if (hooks.signal?.aborted) throw hooks.signal.reason;
        failure = { error: hooks.fail ? hooks.fail(error) : error };
      }
      const next = await hooks.resume?.(failure);
      if (!next && failure) throw failure.error;
      if (!next) return undefined;
      // A stalled source is still open.
      if (failure) await reader.cancel(failure.error).catch(() => {});
      reader = openReader(next);
      if (isOver) await reader.cancel().catch(() => {});
    }
  };
  const end = () => {
    isOver = true;
    guard.end();
  };
  const readMapped: Reader["read"] = async (spare) => {
    if (isOver) return undefined;
    try {
      for (;;) {
        const chunk = await read(spare);
        // A cancel ends a read that waits. That is not the end of the source, whose size or digest a hook may check.
        if (isOver) return undefined;
        // A hook may keep the chunk, which may have the buffer of the spare one.
        spare = undefined;
        const passed = chunk ? (hooks.chunk ? hooks.chunk(chunk) : chunk) : hooks.end?.();
        if (!chunk) end();
        if (passed && passed.length > 0) return passed;
        if (!chunk) return undefined;
      }
    } catch (error) {
      end();
      await reader.cancel(error).catch(() => {});
      throw error;
    }
  };
  const cancel = async (reason: unknown) => {
    end();
    hooks.cancel?.(reason);
    await reader.cancel(reason).catch(() => {});
  };
  return createStream(readMapped, cancel);
}

/** Copies a chunk that fills less than half of its buffer, to free memory: BYOB reads leave short chunks in large buffers. */
export function compactChunk(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return chunk.length * 2 < chunk.buffer.byteLength ? chunk.slice() : chunk;
}

/** Returns a stream that a signal aborts at once, even while a read waits for a stalled source. */
export function abortableStream(stream: ByteStream, signal: AbortSignal | undefined): ByteStream {
  return signal ? mapStream(stream, { signal }) : stream;
}

/**
 * Reads a whole stream into memory. If it exceeds `limit` bytes, cancels it and returns `undefined`.
 *
 * @param signal Aborts the read at once.
 */
export async function readStream(
  stream: ByteStream,
  limit: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of readChunks(abortableStream(stream, signal))) {
    size += chunk.length;
    if (size > limit) return undefined;
    parts.push(compactChunk(chunk));
  }
  return parts.length === 1 ? parts[0]! : concatBytes(parts);
}
