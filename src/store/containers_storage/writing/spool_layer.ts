import { writeAll } from "../../../internal/host/room.ts";
import {
  type Compression,
  CompressionError,
  decompressStream,
  peekCompression,
  UnsupportedCompressionError,
} from "../../../internal/compression/room.ts";
import { type ByteStream, readChunks } from "../../../internal/room.ts";
import { TarError } from "../../../internal/tar/room.ts";
import { createDigester, type Digest, ManifestsError } from "../../../spec/room.ts";
import { fromPath, terminate } from "../unpack/byte_text.ts";
import { check, loadLibc, O } from "../unpack/libc.ts";
import { EntryChecker } from "./check_entries.ts";
import type { SpooledArchive } from "./entries.ts";
import { writeTarSplit } from "./tar_split_writer.ts";

/** A layer in temporary files, checked and ready to be unpacked. Disposing deletes the files. */
export interface SpooledLayer extends Disposable {
  /** The uncompressed archive in a temporary file. */
  readonly archive: SpooledArchive;
  /** Digest of the uncompressed archive (DiffID). */
  readonly diffDigest: Digest;
  /** Compression of the layer as it arrived; `undefined` if it was not compressed. */
  readonly compression: Compression | undefined;
  /** The tar-split file of the archive, open for reading. */
  readonly tarSplit: Deno.FsFile;
  /** User ids of the entries. */
  readonly uids: ReadonlySet<number>;
  /** Group ids of the entries. */
  readonly gids: ReadonlySet<number>;
}

/** Options for {@linkcode spoolLayer}. */
export interface SpoolOptions {
  /** Digest of the layer, for messages. */
  readonly layer: string;
  /** Folder for the temporary files. Default: that of the system. */
  readonly folder: string | undefined;
  /** True if whiteouts are stored as files. */
  readonly plainWhiteouts: boolean;
}

/**
 * Decompresses a layer into a temporary file and checks that it can be stored and read back. Nothing is written to the
 * store.
 *
 * @throws {ManifestsError} With code `LAYER_NOT_REPRODUCIBLE`, `ARCHIVE_INVALID` or `COMPRESSION_NOT_SUPPORTED`.
 */
export async function spoolLayer(stream: ByteStream, options: SpoolOptions): Promise<SpooledLayer> {
  const { layer, folder, plainWhiteouts } = options;
  using stack = new DisposableStack();
  const spool = stack.use(await openTemporary(folder));
  const tarSplit = stack.use(await openTemporary(folder)).file;
  try {
    const { compression, stream: raw } = await peekCompression(stream);
    const digester = createDigester();
    let size = 0;
    for await (const chunk of readChunks(compression ? decompressStream(raw, compression) : raw)) {
      digester.update(chunk);
      await writeAll(spool.file, chunk);
      size += chunk.length;
    }
    const archive = { fd: spool.fd, size };
    const checker = new EntryChecker(layer, plainWhiteouts);
    await writeTarSplit(archive, tarSplit, (entry) => checker.check(entry));
    const { uids, gids } = checker;
    const files = stack.move();
    return {
      archive,
      diffDigest: digester.digest(),
      compression,
      tarSplit,
      uids,
      gids,
      [Symbol.dispose]: () => files.dispose(),
    };
  } catch (error) {
    throw explain(layer, error);
  }
}

function explain(layer: string, error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const fail = (code: "COMPRESSION_NOT_SUPPORTED" | "ARCHIVE_INVALID") =>
    new ManifestsError(code, `Cannot store layer ${layer}: ${message}`, { cause: error });
  if (error instanceof UnsupportedCompressionError) return fail("COMPRESSION_NOT_SUPPORTED");
  return error instanceof CompressionError || error instanceof TarError ? fail("ARCHIVE_INVALID") : error;
}

/** A temporary file without a name, open in the runtime and in libc. */
interface TemporaryFile extends Disposable {
  readonly file: Deno.FsFile;
  readonly fd: number;
}

async function openTemporary(folder: string | undefined): Promise<TemporaryFile> {
  using stack = new DisposableStack();
  const path = await Deno.makeTempFile({ prefix: "manifests-", ...(folder ? { dir: folder } : {}) });
  try {
    const file = stack.use(await Deno.open(path, { read: true, write: true }));
    const libc = loadLibc();
    const fd = stack.adopt(check(libc.open(terminate(fromPath(path)), O.CLOEXEC, 0)), (fd) => libc.close(fd));
    await Deno.remove(path);
    const files = stack.move();
    return { file, fd, [Symbol.dispose]: () => files.dispose() };
  } catch (error) {
    await Deno.remove(path).catch(() => {});
    throw error;
  }
}
