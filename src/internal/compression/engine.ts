import { freeBuffer } from "../bytes.ts";
import type { ByteStream } from "../streams.ts";
import { CompressionError, UnsupportedCompressionError } from "./errors.ts";

type Zlib = typeof import("node:zlib");
type Chunk = Uint8Array<ArrayBuffer>;

/** Stream of `node:zlib`, which works in this thread. */
export type Engine = ReturnType<Zlib["createGunzip"]> | ReturnType<Zlib["createZstdCompress"]>;

/** Size of the chunks that an engine returns, in bytes. Each costs a turn of the event loop; larger ones gain little. */
export const ENGINE_CHUNK_SIZE = 128 * 1024;

let zlib: Promise<Zlib> | undefined;

/**
 * Loads `node:zlib` when it is first needed: most uses of the module never compress.
 *
 * @throws {UnsupportedCompressionError} If the runtime has no `node:zlib`.
 */
export function loadZlib(): Promise<Zlib> {
  return zlib ??= import("node:zlib").catch((cause) => {
    zlib = undefined;
    throw new UnsupportedCompressionError("Cannot compress or decompress: this runtime has no node:zlib", { cause });
  });
}

/**
 * Returns a function that only newer versions of `node:zlib` have: zstd since Node 22.15, `crc32` since Node 20.15.
 *
 * @throws {UnsupportedCompressionError} If the runtime lacks the function.
 */
export function getZlibFunction<Name extends "createZstdCompress" | "createZstdDecompress" | "crc32">(
  zlib: Zlib,
  name: Name,
): Zlib[Name] {
  if (zlib[name] !== undefined) return zlib[name];
  throw new UnsupportedCompressionError(`Cannot compress or decompress: this runtime's node:zlib has no ${name}`);
}

/** Engine and callbacks of {@linkcode streamThrough}. */
export interface EngineHooks {
  /** Name of the action in errors, as in `decompress gzip`. */
  readonly action: string;
  /** Creates the engine, once `node:zlib` is loaded. */
  open(zlib: Zlib): Engine;
  /** Called with each chunk of the source; returns the pieces to give to the engine. Default: the chunk itself. */
  input?(chunk: Uint8Array): Uint8Array[];
  /** Called after the last chunk of the engine; throws if the source was incomplete. */
  end?(engine: Engine): void;
}

/** Returns the output of an engine for `source`. It reads only on demand and buffers few chunks. */
export function streamThrough(source: ByteStream, hooks: EngineHooks): ByteStream {
  const reader = source.getReader();
  const pump = new Pump(reader, hooks);
  let cancelled = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        const chunk = await pump.next();
        if (chunk) controller.enqueue(chunk);
        else if (!cancelled) controller.close();
      } catch (error) {
        pump.close();
        await reader.cancel(error).catch(() => {});
        throw error;
      }
    },
    async cancel(reason) {
      cancelled = true;
      pump.close();
      await reader.cancel(reason).catch(() => {});
    },
  }, { highWaterMark: 0 });
}

/**
 * Frees the memory of a chunk that an engine returned, which nothing may use afterwards. Otherwise, up to 64 MB wait in
 * each thread for the garbage collection.
 */
export function freeChunk({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): void {
  // An engine still fills the rest of a buffer that has room.
  if (byteOffset + length === buffer.byteLength) freeBuffer(buffer);
}

/** Moves chunks into an engine and out of it, one at a time. */
class Pump {
  readonly #reader: ReadableStreamDefaultReader<Chunk>;
  readonly #hooks: EngineHooks;
  #engine: Engine | undefined;
  #closed = false;
  /** Pieces that are read, but not yet given to the engine. */
  #pieces: Uint8Array[] = [];
  /** Whether the engine still processes its last piece: it must not get the next one before that. */
  #busy = false;
  #ended = false;
  #failure: unknown;
  #wake = () => {};

  constructor(reader: ReadableStreamDefaultReader<Chunk>, hooks: EngineHooks) {
    this.#reader = reader;
    this.#hooks = hooks;
  }

  /** Returns the next chunk of output; `undefined` at the end, or after {@linkcode close}. */
  async next(): Promise<Chunk | undefined> {
    const zlib = await loadZlib();
    if (this.#closed) return undefined;
    const engine = this.#engine ??= this.#listen(this.#hooks.open(zlib));
    while (!this.#closed) {
      if (this.#failure !== undefined) throw this.#explain(this.#failure);
      const chunk: Chunk | null = engine.read();
      if (chunk) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      if (this.#ended) {
        this.#hooks.end?.(engine);
        this.close();
      } else if (this.#busy) await new Promise<void>((resolve) => this.#wake = resolve);
      else await this.#feed(engine);
    }
    return undefined;
  }

  /** Destroys the engine and ends a waiting `next`. */
  close(): void {
    this.#closed = true;
    this.#engine?.destroy();
    this.#wake();
  }

  #listen(engine: Engine): Engine {
    engine.on("readable", () => this.#wake());
    engine.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    engine.on("error", (error: unknown) => {
      this.#failure = error;
      this.#wake();
    });
    return engine;
  }

  async #feed(engine: Engine): Promise<void> {
    if (this.#pieces.length === 0) {
      const { value } = await this.#reader.read();
      if (this.#closed) return;
      if (!value) {
        this.#busy = true;
        return void engine.end();
      }
      this.#pieces = this.#hooks.input?.(value) ?? [value];
    }
    const piece = this.#pieces.shift();
    if (!piece?.length) return;
    this.#busy = true;
    engine.write(piece, () => {
      this.#busy = false;
      this.#wake();
    });
  }

  #explain(cause: unknown): CompressionError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new CompressionError(`Cannot ${this.#hooks.action}: ${reason}`, { cause });
  }
}
