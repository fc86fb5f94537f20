import { concatBytes } from "../bytes.ts";
import { Semaphore } from "../semaphore.ts";
import { loadZlib } from "./engine.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** Whether a block is worth compressing is told by so many pieces of it. */
const SAMPLES = 16;
/** Bytes of each. */
const SAMPLE_SIZE = 1024;
/** They are at uneven distances, for patterns like even ones. */
const UNEVEN = 7919;
/** How much the compressor gives at once, in bytes. */
const CHUNK_SIZE = 64 * 1024;
/** How long a stored block of deflate may be. */
const MAX_STORED = 0xffff;

/** A piece of a gzip stream. Pieces know nothing of one another: at their size, that costs nothing. */
export interface DeflateBlock {
  /** The piece. */
  readonly bytes: Chunk;
  /** From 0 (stored) to 9 (smallest). */
  readonly level: number;
}

/** A piece that is compressed. */
export interface DeflatedBlock {
  /** Deflate without an end, up to a byte boundary. */
  readonly bytes: Chunk;
  /** The memory of what was compressed, for the next piece; `undefined` where it is gone. */
  readonly spare?: ArrayBuffer | undefined;
}

/** The part of a `node:zlib` stream that is used here. */
interface Engine {
  write(bytes: Uint8Array, done: () => void): boolean;
  flush(kind: number, done: () => void): unknown;
  on(event: "data", listener: (bytes: Chunk) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** Compresses pieces of gzip streams in this thread, with one engine per level: making one costs more than a piece. */
export class BlockDeflater implements Disposable {
  readonly #engines = new Map<number, Engine>();
  readonly #turn = new Semaphore(1);
  #output: Chunk[] = [];
  #failure: Error | undefined;

  /** Compresses a piece. What looks as if it had no pattern is stored as it is. */
  async deflate({ bytes, level }: DeflateBlock): Promise<DeflatedBlock> {
    using _turn = await this.#turn.acquire();
    const zlib = await loadZlib();
    const sample = takeSample(bytes);
    const isNoise = zlib.deflateRawSync(sample, { level: 1 }).length >= sample.length;
    if (isNoise || level === 0) return { bytes: store(bytes), spare: bytes.buffer };
    const engine = this.#engines.get(level) ?? this.#open(zlib, level);
    await new Promise<void>((resolve) => engine.write(bytes, resolve));
    await new Promise<void>((resolve) => engine.flush(zlib.constants.Z_FULL_FLUSH, resolve));
    if (this.#failure) throw this.#failure;
    const output = concatBytes(this.#output);
    this.#output = [];
    return { bytes: output, spare: bytes.buffer };
  }

  [Symbol.dispose](): void {
    for (const engine of this.#engines.values()) engine.destroy();
    this.#engines.clear();
  }

  #open(zlib: Awaited<ReturnType<typeof loadZlib>>, level: number): Engine {
    const engine = zlib.createDeflateRaw({ level, chunkSize: CHUNK_SIZE }) as unknown as Engine;
    engine.on("data", (bytes) => this.#output.push(bytes));
    engine.on("error", (error) => this.#failure = error);
    this.#engines.set(level, engine);
    return engine;
  }
}

/** Bytes as deflate's blocks without compression. */
function store(bytes: Chunk): Chunk {
  const count = Math.ceil(bytes.length / MAX_STORED);
  const stored = new DataView(new ArrayBuffer(bytes.length + count * 5));
  const whole = new Uint8Array(stored.buffer);
  for (let from = 0, at = 0; from < bytes.length; from += MAX_STORED) {
    const part = bytes.subarray(from, from + MAX_STORED);
    stored.setUint16(at + 1, part.length, true);
    stored.setUint16(at + 3, ~part.length & 0xffff, true);
    whole.set(part, at + 5);
    at += 5 + part.length;
  }
  return whole;
}

/** Pieces from all over a block. */
function takeSample(block: Chunk): Chunk {
  const step = Math.floor(block.length / SAMPLES);
  if (step <= SAMPLE_SIZE) return block;
  const sample = new Uint8Array(SAMPLES * SAMPLE_SIZE);
  for (let i = 0; i < SAMPLES; i++) {
    const from = i * step + (i * UNEVEN) % (step - SAMPLE_SIZE);
    sample.set(block.subarray(from, from + SAMPLE_SIZE), i * SAMPLE_SIZE);
  }
  return sample;
}
