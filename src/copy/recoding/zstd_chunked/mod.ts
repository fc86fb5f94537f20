/** Layers that clients can pull partially: zstd with a table of contents (containers/storage `pkg/chunked`). */
import { type ByteStream, concatBytes, Crc64 } from "../../../internal/room.ts";
import { TAR_BLOCK_SIZE, TarError, type TarHeader, TarHeaderParser, tarPadding } from "../../../internal/tar/room.ts";
import { createDigester, type Digest, digestOf, ManifestsError } from "../../../spec/room.ts";
import { CHUNKED_ANNOTATIONS } from "../algorithms.ts";
import { ByteSource } from "./byte_source.ts";
import { Chunker, type Piece } from "./chunker.ts";
import { FrameBuffer, type FrameWriter, openFrameWriter } from "./frames.ts";
import { TarSplit } from "./tar_split.ts";
import { Toc, type TocChunk } from "./toc.ts";

/** Size of the pieces in which a file is read, in bytes. */
const PIECE = 256 * 1024;

/** A layer that is compressed with `zstd:chunked` while it is read. */
export interface ChunkedLayer {
  /** The compressed bytes of the layer. */
  readonly stream: ByteStream;
  /** Returns the annotations that the layer needs. Throws before the stream has ended. */
  annotations(): Readonly<Record<string, string>>;
}

/**
 * Compresses a tar archive with `zstd:chunked`.
 *
 * @param level Level of the runtime's zstd compressor.
 * @throws {ManifestsError} While the stream is read, with code `COMPRESSION_NOT_SUPPORTED` if it is not a tar archive.
 */
export function compressChunked(stream: ByteStream, level: number): ChunkedLayer {
  let annotations: Record<string, string> | undefined;
  const output = run(stream, level, (known) => annotations = known);
  return {
    stream: new ReadableStream({
      async pull(controller) {
        const { done, value } = await output.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await output.return();
      },
    }, { highWaterMark: 0 }),
    annotations() {
      if (!annotations) throw new Error("Cannot return the annotations of the layer: its compression has not ended");
      return annotations;
    },
  };
}

async function* run(
  stream: ByteStream,
  level: number,
  finish: (annotations: Record<string, string>) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const source = new ByteSource(stream);
  try {
    using frames = await openFrameWriter(level);
    using tarSplit = new FrameBuffer(await openFrameWriter(level));
    using toc = new FrameBuffer(await openFrameWriter(level));
    const writer = new LayerWriter(source, frames, new TarSplit(tarSplit));
    yield* writer.run();
    finish(await writer.end(toc));
    yield* frames.take();
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw new ManifestsError(
      "COMPRESSION_NOT_SUPPORTED",
      `Cannot compress a layer with zstd:chunked: it is not a tar archive: ${error.message}`,
      { cause: error },
    );
  } finally {
    await source.close();
  }
}

/** Digest, checksum and chunks of a file's content. */
interface FileContent {
  readonly digest: Digest;
  readonly checksum: Uint8Array<ArrayBuffer>;
  readonly chunks: readonly TocChunk[];
}

/** Compresses an archive entry by entry. */
class LayerWriter {
  readonly #source: ByteSource;
  readonly #frames: FrameWriter;
  readonly #tarSplit: TarSplit;
  readonly #toc = new Toc();
  readonly #parser = new TarHeaderParser();
  /** Bytes since the last entry that are not file content: headers and padding. */
  #raw: Uint8Array<ArrayBuffer>[] = [];
  #zeroBlocks = 0;

  constructor(source: ByteSource, frames: FrameWriter, tarSplit: TarSplit) {
    this.#source = source;
    this.#frames = frames;
    this.#tarSplit = tarSplit;
  }

  /** Reads the archive and yields the compressed bytes. */
  async *run(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (let block; (block = await this.#copyRaw(TAR_BLOCK_SIZE)).length > 0;) {
      // Two zero blocks end an archive (POSIX ustar). Bytes after them are kept, but not parsed.
      if (this.#zeroBlocks < 2) yield* this.#block(block);
      yield* this.#frames.take();
    }
  }

  async *#block(block: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    if (block.length < TAR_BLOCK_SIZE) throw new TarError("it ends within a header");
    const step = this.#parser.block(block);
    this.#zeroBlocks = step.kind === "zero" ? this.#zeroBlocks + 1 : 0;
    if (step.kind === "extension") {
      const payload = await this.#copyRaw(step.size);
      if (payload.length < step.size) throw new TarError("it ends within a header");
      this.#parser.extension(payload);
      await this.#copyRaw(tarPadding(step.size));
    } else if (step.kind === "entry") {
      yield* this.#entry(step.header);
    }
  }

  /** Copies bytes that are not file content. */
  async #copyRaw(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = (await this.#source.readExactly(count)).slice();
    await this.#frames.write(bytes);
    if (bytes.length > 0) this.#raw.push(bytes);
    return bytes;
  }

  async *#entry(header: TarHeader): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    await this.#tarSplit.addSegment(concatBytes(this.#raw));
    this.#raw = [];
    const content = header.size > 0 ? yield* this.#content(header) : undefined;
    await this.#tarSplit.addEntry({ ...header, checksum: content?.checksum });
    this.#toc.add(header, content);
    await this.#copyRaw(tarPadding(header.size));
  }

  async *#content({ name, size }: TarHeader): AsyncGenerator<Uint8Array<ArrayBuffer>, FileContent, undefined> {
    await this.#frames.close();
    const chunks = new ChunkWriter(this.#frames);
    const chunker = new Chunker();
    const whole = createDigester();
    const checksum = new Crc64();
    for (let left = size; left > 0;) {
      const bytes = await this.#source.readSome(Math.min(left, PIECE));
      if (!bytes) throw new TarError(`it ends within ${JSON.stringify(name)}`);
      left -= bytes.length;
      whole.update(bytes);
      checksum.update(bytes);
      for (const piece of chunker.cut(bytes)) await chunks.write(piece);
      yield* this.#frames.take();
    }
    for (const piece of chunker.end()) await chunks.write(piece);
    return { digest: whole.digest(), checksum: checksum.bytes(), chunks: chunks.written };
  }

  /** Writes the table of contents, tar-split data and footer after the archive; returns the annotations. */
  async end(tocFrame: FrameBuffer): Promise<Record<string, string>> {
    await this.#tarSplit.addSegment(concatBytes(this.#raw));
    await this.#frames.close();
    const tarSplit = await this.#tarSplit.end();
    await tocFrame.write(this.#toc.serialize(digestOf(tarSplit.compressed)));
    const toc = await tocFrame.end();
    const tocPosition = this.#frames.writeSkippable(toc.compressed);
    const tarSplitPosition = this.#frames.writeSkippable(tarSplit.compressed);
    const positions = [
      tocPosition,
      toc.compressed.length,
      toc.size,
      1,
      tarSplitPosition,
      tarSplit.compressed.length,
      tarSplit.size,
    ];
    this.#frames.writeSkippable(createFooter(positions));
    return {
      [CHUNKED_ANNOTATIONS.tocDigest]: digestOf(toc.compressed),
      [CHUNKED_ANNOTATIONS.tocPosition]: positions.slice(0, 4).join(":"),
      [CHUNKED_ANNOTATIONS.tarSplitPosition]: positions.slice(4).join(":"),
    };
  }
}

/** Writes the chunks of one file, each in separate frames. */
class ChunkWriter {
  readonly #frames: FrameWriter;
  readonly written: TocChunk[] = [];
  #digester = createDigester();
  #size = 0;
  #zeros = false;
  #fileOffset = 0;
  #start: number;

  constructor(frames: FrameWriter) {
    this.#frames = frames;
    this.#start = frames.position;
  }

  async write({ bytes, zeros, last }: Piece): Promise<void> {
    this.#digester.update(bytes);
    await this.#frames.write(bytes);
    this.#size += bytes.length;
    this.#zeros = zeros;
    if (last && this.#size > 0) await this.#end();
  }

  async #end(): Promise<void> {
    await this.#frames.close();
    const end = this.#frames.position;
    const [fileOffset, size, zeros, start] = [this.#fileOffset, this.#size, this.#zeros, this.#start];
    this.written.push({ fileOffset, size, zeros, digest: this.#digester.digest(), start, end });
    this.#digester = createDigester();
    this.#fileOffset += size;
    this.#size = 0;
    this.#start = end;
  }
}

/** Creates the footer, the last 64 bytes of the layer: seven positions and the magic number of `zstd:chunked`. */
function createFooter(positions: readonly number[]): Uint8Array<ArrayBuffer> {
  const footer = new DataView(new ArrayBuffer(64));
  positions.forEach((position, i) => footer.setBigUint64(i * 8, BigInt(position), true));
  const bytes = new Uint8Array(footer.buffer);
  bytes.set(new TextEncoder().encode("GNUlInUx"), 56);
  return bytes;
}
