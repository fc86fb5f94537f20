import { concatBytes } from "../bytes.ts";
import { Semaphore } from "../semaphore.ts";
import { loadZlib } from "./engine.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** Number of samples of a block that decide whether it is compressed. */
const SAMPLES = 16;
/** Size of a sample, in bytes. */
const SAMPLE_SIZE = 1024;
/** Prime offset that makes the distances of the samples uneven: even ones could match a pattern of the content. */
const UNEVEN = 7919;
/** Size of the chunks that the compressor returns, in bytes. */
const CHUNK_SIZE = 64 * 1024;
/** Maximum size of a stored block, in bytes (RFC 1951 §3.2.4). */
const MAX_STORED = 0xffff;

/** Block of a gzip stream. Blocks are compressed independently: at their size, the result is hardly larger. */
export interface DeflateBlock {
  /** Bytes to compress, with their own buffer. */
  readonly bytes: Chunk;
  /** Compression level, from 0 (stored) to 9 (smallest). */
  readonly level: number;
}

/** Compressed block of a gzip stream. */
export interface DeflatedBlock {
  /** Deflate data without a final block, ending at a byte boundary. */
  readonly bytes: Chunk;
  /** Buffer of the input, for reuse by the next block; `undefined` if it was moved to another thread. */
  readonly spare?: ArrayBuffer | undefined;
}

/** Part of a `node:zlib` stream that is used here. */
interface Engine {
  write(bytes: Uint8Array, done: () => void): boolean;
  flush(kind: number, done: () => void): unknown;
  on(event: "data", listener: (bytes: Chunk) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** Compresses blocks in this thread. One engine for each level is reused: creating one costs more than a block. */
export class BlockDeflater implements Disposable {
  readonly #engines = new Map<number, Engine>();
  readonly #turn = new Semaphore(1);
  #output: Chunk[] = [];
  #failure: Error | undefined;

  /** Compresses a block. If samples show that its content is incompressible, it is stored. */
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

/** Encodes bytes as stored blocks of deflate. */
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

/** Returns samples from all parts of a block. */
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
