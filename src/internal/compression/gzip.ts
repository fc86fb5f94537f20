import { concatBytes } from "../bytes.ts";
import type { ByteStream } from "../streams.ts";
import { BlockReader } from "./blocks.ts";
import { BlockDeflater, type DeflateBlock, type DeflatedBlock } from "./deflate.ts";
import { getZlibFunction, loadZlib } from "./engine.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** As pgzip does it: blocks are compressed apart, so that several processors can. */
const BLOCK_SIZE = 512 * 1024;

/** What makes files as small as Go's default does, in less time: zlib's own default, 6, is slow for what it gains. */
export const DEFAULT_GZIP_LEVEL = 3;

/** Magic, method deflate, no flags, no time, no extra flags, unknown system: the same bytes whenever and wherever. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
/** A final block of deflate with nothing in it. */
const FINAL_BLOCK = Uint8Array.of(3, 0);

/** Compresses a block. */
export type Deflate = (block: DeflateBlock) => Promise<DeflatedBlock>;

/** Options of {@linkcode gzipStream}. */
export interface GzipStreamOptions {
  /** From 0 (stored) to 9 (smallest); default: {@linkcode DEFAULT_GZIP_LEVEL}. */
  readonly level?: number | undefined;
  /** Compresses the blocks; default: this thread. The result is the same whoever does it. */
  readonly deflate?: Deflate | undefined;
  /** How many blocks may be under way at once; default: 1. */
  readonly ahead?: number | undefined;
}

/** Compresses a stream as one gzip member, whose blocks may be compressed at the same time. */
export function gzipStream(stream: ByteStream, options: GzipStreamOptions = {}): ByteStream {
  const { level = DEFAULT_GZIP_LEVEL, ahead = 1 } = options;
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new RangeError(`Cannot compress gzip as its level must be from 0 to 9: current value is ${level}`);
  }
  const own = options.deflate ? undefined : new BlockDeflater();
  const deflate = options.deflate ?? ((block) => own!.deflate(block));
  const member = new GzipMember(stream, { level, ahead, deflate });
  return new ReadableStream({
    start: (controller) => controller.enqueue(HEADER.slice()),
    async pull(controller) {
      try {
        const next = await member.next();
        if (next) return controller.enqueue(next);
        controller.enqueue(concatBytes([FINAL_BLOCK, member.trailer()]));
        controller.close();
        own?.[Symbol.dispose]();
      } catch (error) {
        own?.[Symbol.dispose]();
        await member.cancel(error);
        throw error;
      }
    },
    async cancel(reason) {
      own?.[Symbol.dispose]();
      await member.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** The blocks of a gzip member, in their order. */
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

  /** The next block, compressed; `undefined` at the end. */
  async next(): Promise<Chunk | undefined> {
    while (!this.#ended && this.#underWay.length < this.#options.ahead) await this.#begin();
    const block = await this.#underWay.shift();
    if (block?.spare) this.#spares.push(block.spare);
    return block?.bytes;
  }

  /** What the member ends with: a checksum, and the size. */
  trailer(): Chunk {
    const trailer = new DataView(new ArrayBuffer(8));
    trailer.setUint32(0, this.#checksum, true);
    trailer.setUint32(4, this.#size, true);
    return new Uint8Array(trailer.buffer);
  }

  /** Gives the stream up. */
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
    // What fails is told when its turn comes.
    work.catch(() => {});
    this.#underWay.push(work);
  }
}
