import {
  type Compression,
  CompressionError,
  decompressStream,
  freeChunk,
  gzipStream,
  peekCompression,
  UnsupportedCompressionError,
} from "../../../internal/compression/room.ts";
import { type ByteStream, readChunks } from "../../../internal/room.ts";
import { TarError } from "../../../internal/tar/room.ts";
import { createDigester, type Digest, ManifestsError } from "../../../spec/room.ts";
import type { LayerEntry } from "../unpack/entries.ts";
import { isSlash, LayerUnpacker } from "../unpack/layer_unpacker.ts";
import { writeFully } from "../unpack/libc.ts";
import type { OpenFile } from "../unpack/nodes.ts";
import type { UnpackRules } from "../unpack/rules.ts";
import { Tree } from "../unpack/tree.ts";
import { ArchiveParser, type ArchiveSink } from "./archive_parser.ts";
import { EntryChecker } from "./check_entries.ts";
import { ContentWriter } from "./content_writer.ts";
import { TarSplitLines } from "./tar_split_lines.ts";

/** Number of characters of the tar-split file that are compressed at once. */
const BATCH = 64 * 1024;

/** Instructions for {@linkcode prepareLayer}, which can be sent to a worker. */
export interface LayerJob {
  /** Digest of the layer, for messages. */
  readonly layer: string;
  /** How the driver stores layers, and what this process may do. */
  readonly rules: UnpackRules;
  /** File that becomes the tar-split file of the layer. */
  readonly tarSplit: OpenFile;
  /** Places for the layer itself. */
  readonly output: LayerOutput;
}

/** Places for the layer itself: it is unpacked as overlay stores it, or as a {@linkcode ContentWriter} does it for vfs. */
export interface LayerOutput {
  /** Path of an empty folder for the files. */
  readonly folder: string;
  /** File for the rest of the archive; `undefined` for overlay. */
  readonly headers: OpenFile | undefined;
}

/** Facts about a layer, found while it was read. */
export interface LayerFacts {
  /** Digest of the uncompressed archive (DiffID). */
  readonly diffDigest: Digest;
  /** Size of the uncompressed archive in bytes. */
  readonly diffSize: number;
  /** Compression of the layer as it arrived; `undefined` if it was not compressed. */
  readonly compression: Compression | undefined;
  /** User ids of the entries, sorted. */
  readonly uids: readonly number[];
  /** Group ids of the entries, sorted. */
  readonly gids: readonly number[];
  /** True if an entry `/` determines the owner and permissions of the top of the layer, also for overlay. */
  readonly hasTop: boolean;
}

/**
 * Decompresses a layer as it arrives, checks that it can be stored and read back, writes its tar-split file, and unpacks
 * it. The layer must not become visible before the stream has ended, because its digest is verified there.
 *
 * @throws {ManifestsError} With code `LAYER_NOT_REPRODUCIBLE`, `ARCHIVE_INVALID` or `COMPRESSION_NOT_SUPPORTED`.
 */
export async function prepareLayer(stream: ByteStream, job: LayerJob): Promise<LayerFacts> {
  try {
    const { compression, stream: blob } = await peekCompression(stream);
    const archive = compression ? decompressStream(blob, compression) : blob;
    using layer = new LayerReader(job);
    const tarSplit = ReadableStream.from(layer.read(archive, compression !== undefined)) as ByteStream;
    for await (const chunk of readChunks(gzipStream(tarSplit, { level: 1 }))) writeFully(job.tarSplit, chunk);
    return { ...layer.facts(), compression };
  } catch (error) {
    throw explain(job.layer, error);
  }
}

/** Passes an archive on to everything that reads it. */
class LayerReader implements ArchiveSink, Disposable {
  readonly #digester = createDigester();
  readonly #checker: EntryChecker;
  readonly #lines = new TarSplitLines();
  readonly #resources = new DisposableStack();
  readonly #writer: LayerUnpacker | ContentWriter;
  #size = 0;
  #hasTop = false;

  constructor({ layer, rules, output: { folder, headers } }: LayerJob) {
    const options = { layer, rules };
    this.#checker = new EntryChecker(layer, rules.plainWhiteouts);
    this.#writer = this.#resources.use(
      headers === undefined
        ? new LayerUnpacker(this.#resources.use(new Tree(folder)), options)
        : new ContentWriter({ folder, headers }, options),
    );
  }

  /**
   * Reads the archive and yields the content of its tar-split file.
   *
   * @param isDecompressed Whether the archive comes out of {@linkcode decompressStream}.
   */
  async *read(archive: ByteStream, isDecompressed: boolean): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const parser = new ArchiveParser(this);
    for await (const chunk of readChunks(archive, { reuses: true })) {
      this.#digester.update(chunk);
      this.#size += chunk.length;
      parser.write(chunk);
      if (isDecompressed) freeChunk(chunk);
      if (this.#lines.length >= BATCH) yield this.#lines.take();
    }
    parser.end();
    this.#writer.finish();
    this.#lines.flush();
    yield this.#lines.take();
  }

  raw(bytes: Uint8Array): void {
    this.#lines.raw(bytes);
    if ("raw" in this.#writer) this.#writer.raw(bytes);
  }

  begin(entry: LayerEntry): void {
    this.#checker.check(entry);
    this.#hasTop ||= isSlash(entry.header);
    this.#lines.begin(entry);
    this.#writer.begin(entry);
  }

  content(bytes: Uint8Array<ArrayBuffer>): void {
    this.#lines.content(bytes);
    this.#writer.content(bytes);
  }

  end(): void {
    this.#lines.end();
    this.#writer.end();
  }

  facts(): Omit<LayerFacts, "compression"> {
    const { uids, gids } = this.#checker;
    const sort = (ids: ReadonlySet<number>) => [...ids].sort((a, b) => a - b);
    const owners = { uids: sort(uids), gids: sort(gids) };
    return { diffDigest: this.#digester.digest(), diffSize: this.#size, ...owners, hasTop: this.#hasTop };
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

function explain(layer: string, error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const fail = (code: "COMPRESSION_NOT_SUPPORTED" | "ARCHIVE_INVALID") =>
    new ManifestsError(code, `Cannot store layer ${layer}: ${message}`, { cause: error });
  if (error instanceof UnsupportedCompressionError) return fail("COMPRESSION_NOT_SUPPORTED");
  return error instanceof CompressionError || error instanceof TarError ? fail("ARCHIVE_INVALID") : error;
}
