import type { ByteStream } from "../streams.ts";
import { CompressionError, UnsupportedCompressionError } from "./errors.ts";

type Zlib = typeof import("node:zlib");
type Chunk = Uint8Array<ArrayBuffer>;

/** A stream of `node:zlib`, which works in this thread as it is written to. */
export type Engine = ReturnType<Zlib["createGunzip"]> | ReturnType<Zlib["createZstdCompress"]>;

/** How much an engine gives at once. Larger chunks win little, smaller ones cost a turn of the event loop each. */
export const ENGINE_CHUNK_SIZE = 128 * 1024;

let zlib: Promise<Zlib> | undefined;

/**
 * Loads `node:zlib` when it is first needed: most uses of the module never compress.
 *
 * @throws {UnsupportedCompressionError} Where there is none.
 */
export function loadZlib(): Promise<Zlib> {
  return zlib ??= import("node:zlib").catch((cause) => {
    zlib = undefined;
    throw new UnsupportedCompressionError("Cannot compress or decompress as this runtime has no node:zlib", { cause });
  });
}

/**
 * What `node:zlib` has in newer runtimes only: Node before 22.15 has no zstd, before 20.15 no `crc32`.
 *
 * @throws {UnsupportedCompressionError} Where it has not.
 */
export function getZlibFunction<Name extends "createZstdCompress" | "createZstdDecompress" | "crc32">(
  zlib: Zlib,
  name: Name,
): Zlib[Name] {
  if (zlib[name] !== undefined) return zlib[name];
  throw new UnsupportedCompressionError(`Cannot compress or decompress as this runtime's node:zlib has no ${name}`);
}

/** What {@linkcode streamThrough} does besides passing bytes. */
export interface EngineHooks {
  /** What is being done, as in `decompress gzip`: for messages. */
  readonly action: string;
  /** Makes the engine. */
  open(zlib: Zlib): Engine;
  /** Looks at what goes in, and cuts it as the engine needs it. What it throws ends the stream. */
  input?(chunk: Uint8Array): Uint8Array[];
  /** Called when the engine gave its last: throws where what went in was not whole. */
  end?(engine: Engine): void;
}

/** The stream that comes out of an engine when `source` goes in. Reads only when it is read, and holds few chunks. */
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

/** Moves chunks into an engine and out of it, one at a time. */
class Pump {
  readonly #reader: ReadableStreamDefaultReader<Chunk>;
  readonly #hooks: EngineHooks;
  #engine: Engine | undefined;
  #closed = false;
  /** What was read and not yet given to the engine. */
  #pieces: Uint8Array[] = [];
  /** The engine takes what it was given; it wants nothing new meanwhile. */
  #busy = false;
  #ended = false;
  #failure: unknown;
  #wake = () => {};

  constructor(reader: ReadableStreamDefaultReader<Chunk>, hooks: EngineHooks) {
    this.#reader = reader;
    this.#hooks = hooks;
  }

  /** The next chunk that comes out; `undefined` at the end, or after {@linkcode close}. */
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

  /** Frees the engine. */
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
