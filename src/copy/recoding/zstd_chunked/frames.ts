import { getZlibFunction, loadZlib } from "../../../internal/compression/room.ts";
import { concatBytes } from "../../../internal/room.ts";

/** Size of the chunks of output, in bytes. */
const CHUNK_SIZE = 64 * 1024;

/** A compressor that creates one zstd frame after another. */
interface FrameStream {
  write(bytes: Uint8Array, done: () => void): boolean;
  flush(kind: number, done: () => void): unknown;
  on(event: "data", listener: (bytes: Uint8Array<ArrayBuffer>) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** Writes zstd frames and tracks their positions. */
export class FrameWriter implements Disposable {
  readonly #zstd: FrameStream;
  readonly #endOfFrame: number;
  #open = false;
  #failure: Error | undefined;
  /** Output that was not taken yet. */
  #ready: Uint8Array<ArrayBuffer>[] = [];
  #position = 0;

  /** Creates a writer for a compressor; use {@linkcode openFrameWriter}. */
  constructor(zstd: FrameStream, endOfFrame: number) {
    this.#zstd = zstd;
    this.#endOfFrame = endOfFrame;
    zstd.on("data", (bytes) => this.writeRaw(bytes));
    zstd.on("error", (error) => this.#failure = error);
  }

  /** Number of bytes of output. Exact only while no frame is open. */
  get position(): number {
    return this.#position;
  }

  /** Adds bytes to the open frame, or opens one. */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#open = true;
    await new Promise<void>((resolve) => this.#zstd.write(bytes, resolve));
    if (this.#failure) throw this.#failure;
  }

  /** Ends the open frame, if there is one. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await new Promise<void>((resolve) => this.#zstd.flush(this.#endOfFrame, resolve));
    if (this.#failure) throw this.#failure;
  }

  /** Writes a skippable frame (RFC 8878, section 3.1.2); returns the position of its content. */
  writeSkippable(content: Uint8Array<ArrayBuffer>): number {
    const header = new DataView(new ArrayBuffer(8));
    header.setUint32(0, 0x184d2a50, true);
    header.setUint32(4, content.length, true);
    this.writeRaw(new Uint8Array(header.buffer));
    const position = this.#position;
    this.writeRaw(content);
    return position;
  }

  /** Adds bytes to the output unchanged. */
  writeRaw(bytes: Uint8Array<ArrayBuffer>): void {
    this.#ready.push(bytes);
    this.#position += bytes.length;
  }

  /** Removes and returns the output so far. */
  take(): Uint8Array<ArrayBuffer>[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  [Symbol.dispose](): void {
    this.#zstd.destroy();
  }
}

/** Opens a writer of zstd frames with checksums. */
export async function openFrameWriter(level: number): Promise<FrameWriter> {
  const zlib = await loadZlib();
  const { constants } = zlib;
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  const zstd = getZlibFunction(zlib, "createZstdCompress")({ params, chunkSize: CHUNK_SIZE }) as unknown as FrameStream;
  return new FrameWriter(zstd, constants.ZSTD_e_end);
}

/** Compresses bytes as one frame in memory. */
export class FrameBuffer implements Disposable {
  readonly #writer: FrameWriter;
  #size = 0;

  /** Creates a buffer with a writer, which must not be used otherwise. */
  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** Adds bytes to the frame. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    await this.#writer.write(bytes);
  }

  /** Ends the frame; returns it with the size of its uncompressed content. */
  async end(): Promise<{ compressed: Uint8Array<ArrayBuffer>; size: number }> {
    await this.#writer.close();
    return { compressed: concatBytes(this.#writer.take()), size: this.#size };
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }
}
