import { abortable } from "./abortable.ts";
import { concatBytes } from "./bytes.ts";

/** The byte currency of the module. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** 64 KiB is where BYOB reads of `fetch` bodies are fastest, and leave the least garbage. Below 4 KiB nothing is won. */
const MAX_VIEW = 64 * 1024, MIN_VIEW = 4 * 1024;

/** A stream of one chunk (none, where there are no bytes). */
export function toStream(bytes: Uint8Array<ArrayBuffer>): ByteStream {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

interface Reader {
  /** The next chunk, or `undefined` at the end. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Cancels the stream, also while a read waits. */
  cancel(reason?: unknown): Promise<void>;
  release(): void;
}

/** Reads with BYOB where the stream is a byte stream: several times faster for `fetch` bodies. */
function openReader(stream: ByteStream): Reader {
  try {
    const byob = stream.getReader({ mode: "byob" });
    let size = MAX_VIEW;
    return {
      async read() {
        const { done, value } = await byob.read(new Uint8Array(size));
        if (done) return undefined;
        // Views follow what arrives: a server that sends byte by byte must not make us allocate for megabytes.
        if (value.length === size) size = Math.min(size * 2, MAX_VIEW);
        else if (value.length * 4 < size) size = Math.max(size / 2, MIN_VIEW);
        return value as Uint8Array<ArrayBuffer>;
      },
      cancel: (reason) => byob.cancel(reason),
      release: () => byob.releaseLock(),
    };
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

/** Iterates over a stream's chunks. Leaving the loop early cancels the stream. */
export async function* readChunks(stream: ByteStream): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = openReader(stream);
  let ended = false;
  try {
    for (let chunk; (chunk = await reader.read());) yield chunk;
    ended = true;
  } catch (error) {
    ended = true;
    throw error;
  } finally {
    if (!ended) await reader.cancel().catch(() => {});
    reader.release();
  }
}

/** What {@linkcode mapStream} does with a stream. */
export interface StreamHooks {
  /** Looks at a chunk and returns what is passed on, if anything. What it throws cancels the source. */
  chunk?(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined;
  /** Called at the end; returns a last chunk, if any. What it throws replaces the end. */
  end?(): Uint8Array<ArrayBuffer> | undefined;
  /** Replaces a failure of the source. */
  fail?(error: unknown): unknown;
  /**
   * Called when the source failed, or, without an argument, when it ended. Returns a source to go on with, if any; what
   * it throws replaces the failure or the end.
   */
  resume?(failure?: { error: unknown }): Promise<ByteStream | undefined>;
  /** Told that nobody wants more. */
  cancel?(reason: unknown): void;
  /** How long the source may keep a reader waiting, and what is thrown then. */
  timeout?: { milliseconds: number; error(): Error };
  /**
   * Ends a read at once with the signal's reason, even if the source stands still. The source's own signal is not enough:
   * a custom `fetch` may ignore it, and Deno's stops listening when the garbage collector takes the `Request`.
   */
  signal?: AbortSignal | undefined;
}

/** A stream that passes another one on. Nothing is read ahead; a cancel reaches the source at once. */
export function mapStream(source: ByteStream, hooks: StreamHooks): ByteStream {
  let reader = openReader(source);
  let cancelled = false;
  const { signal, timeout } = hooks;
  const readOnce = () => {
    const chunk = timeout ? withTimeout(reader.read(), timeout) : reader.read();
    return signal ? abortable(chunk, signal) : chunk;
  };
  const read = async () => {
    for (;;) {
      let failure: { error: unknown } | undefined;
      try {
        const chunk = await readOnce();
        if (chunk) return chunk;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        failure = { error: hooks.fail ? hooks.fail(error) : error };
      }
      const next = await hooks.resume?.(failure);
      if (!next && failure) throw failure.error;
      if (!next) return undefined;
      // What stood still is still open.
      if (failure) await reader.cancel(failure.error).catch(() => {});
      reader = openReader(next);
      if (cancelled) await reader.cancel().catch(() => {});
    }
  };
  const step = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
    for (;;) {
      const chunk = await read();
      const passed = chunk ? (hooks.chunk ? hooks.chunk(chunk) : chunk) : hooks.end?.();
      if (passed && passed.length > 0) controller.enqueue(passed);
      if (!chunk) return controller.close();
      if (passed && passed.length > 0) return;
    }
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        await step(controller);
      } catch (error) {
        await reader.cancel(error).catch(() => {});
        throw error;
      }
    },
    async cancel(reason) {
      cancelled = true;
      hooks.cancel?.(reason);
      await reader.cancel(reason).catch(() => {});
    },
  }, { highWaterMark: 0 });
}

async function withTimeout<T>(work: Promise<T>, timeout: { milliseconds: number; error(): Error }): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeout.error()), timeout.milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A chunk that keeps no more memory than its bytes: a BYOB read leaves a short one in a large buffer. */
export function compactChunk(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return chunk.length * 2 < chunk.buffer.byteLength ? chunk.slice() : chunk;
}

/** A stream that a signal ends at once, even while a read waits for a source that sends nothing. */
export function abortableStream(stream: ByteStream, signal: AbortSignal | undefined): ByteStream {
  return signal ? mapStream(stream, { signal }) : stream;
}

/**
 * Reads a whole stream, or returns `undefined` (having cancelled it) as soon as it exceeds `limit` bytes.
 *
 * @param signal Ends the read at once.
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
