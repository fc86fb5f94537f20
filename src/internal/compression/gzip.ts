import { BlockReader } from "../blocks.ts";
import { concatBytes } from "../bytes.ts";
import type { ByteStream } from "../streams.ts";
import { BlockDeflater, type DeflateBlock, type DeflatedBlock } from "./deflate.ts";
import { getZlibFunction, loadZlib } from "./engine.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** Size of a block, in bytes. Blocks are compressed independently, as in pgzip, so that several processors can work. */
const BLOCK_SIZE = 512 * 1024;

/** Default level. Files are as small as with Go's default, in less time; zlib's default, 6, is slower for little gain. */
export const DEFAULT_GZIP_LEVEL = 3;

/** Header: magic, deflate, no flags, no time, no extra flags, unknown system. The same bytes on every host. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
/** Empty final block of deflate. */
const FINAL_BLOCK = Uint8Array.of(3, 0);

/** Function that compresses a block. */
export type Deflate = (block: DeflateBlock) => Promise<DeflatedBlock>;

/** Level and parallelism of {@linkcode gzipStream}. */
export interface GzipStreamOptions {
  /** Compression level, from 0 (stored) to 9 (smallest). Default: {@linkcode DEFAULT_GZIP_LEVEL}. */
  readonly level?: number | undefined;
  /** Compresses the blocks. Default: this thread. It does not change the result. */
  readonly deflate?: Deflate | undefined;
  /** Maximum number of blocks that are compressed at the same time. Default: 1. */
  readonly ahead?: number | undefined;
}

/** Compresses a stream as one gzip member. Throws a `RangeError` if the level is out of range. */
export function gzipStream(stream: ByteStream, options: GzipStreamOptions = {}): ByteStream {
  const { level = DEFAULT_GZIP_LEVEL, ahead = 1 } = options;
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new RangeError(`Cannot compress gzip: the level must be an integer from 0 to 9: current value is ${level}`);
  }
  const deflater = options.deflate ? undefined : new BlockDeflater();
  const deflate = options.deflate ?? ((block) => deflater!.deflate(block));
  const member = new GzipMember(stream, { level, ahead, deflate });
  return new ReadableStream({
    start: (controller) => controller.enqueue(HEADER.slice()),
    async pull(controller) {
      try {
        const next = await member.next();
        if (next) return controller.enqueue(next);
        controller.enqueue(concatBytes([FINAL_BLOCK, member.trailer()]));
        controller.close();
        deflater?.[Symbol.dispose]();
      } catch (error) {
        deflater?.[Symbol.dispose]();
        await member.cancel(error);
        throw error;
      }
    },
    async cancel(reason) {
      deflater?.[Symbol.dispose]();
      await member.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** Blocks of a gzip member, in order. */
class GzipMember {
  readonly #blocks: BlockReader;
  readonly #options: Required<{ level: number; ahead: number; deflate: Deflate }>;
  readonly #underWay: Promise<DeflatedBlock>[] = [];
  readonly #spares: ArrayBuffer[] = [];
  #ended = false;
  #checksum = 0;
  #size = 0;

  constructor(stream: ByteStream, options: { level: number; ahead: number; deflate: Deflate }) {
    this.#blocks = new BlockReader(stream, BLOCK_SIZE);
    this.#options = options;
  }

  /** Returns the next compressed block; `undefined` at the end. */
  async next(): Promise<Chunk | undefined> {
    while (!this.#ended && this.#underWay.length < this.#options.ahead) await this.#begin();
    const block = await this.#underWay.shift();
    if (block?.spare) this.#spares.push(block.spare);
    return block?.bytes;
  }

  /** Returns the trailer: checksum and size of the content (RFC 1952 §2.3.1). */
  trailer(): Chunk {
    const trailer = new DataView(new ArrayBuffer(8));
    trailer.setUint32(0, this.#checksum, true);
    trailer.setUint32(4, this.#size, true);
    return new Uint8Array(trailer.buffer);
  }

  /** Cancels the source stream, even while a read waits. */
  async cancel(reason: unknown): Promise<void> {
    await this.#blocks.cancel(reason);
  }

  async #begin(): Promise<void> {
    const bytes = await this.#blocks.next(this.#spares.pop());
    if (!bytes) {
      this.#ended = true;
      return;
    }
    this.#checksum = getZlibFunction(await loadZlib(), "crc32")(bytes, this.#checksum);
    this.#size = (this.#size + bytes.length) % 2 ** 32;
    const { level, deflate } = this.#options;
    const work = deflate({ bytes, level });
    // A failure is reported when `next` reaches the block, not as an unhandled rejection.
    work.catch(() => {});
    this.#underWay.push(work);
  }
}
