import { gzipStream } from "../../../internal/compression/room.ts";
import { type ByteStream, Crc64, encodeUtf8, readChunks } from "../../../internal/room.ts";
import { writeAll } from "../../../internal/host/room.ts";
import { encodeGoJsonText } from "../../../json/room.ts";
import { readAt } from "../unpack/libc.ts";
import { type LayerEntry, readEntries, type SpooledArchive } from "./entries.ts";

/** Size of the pieces in which content is read, and bytes after the last entry are written, in bytes. */
const PIECE = 256 * 1024;

/** Size of content, in bytes, after which other tasks can run. */
const PAUSE_AFTER = 16 * 1024 * 1024;

/** Number of characters that are compressed at once. */
const BATCH = 64 * 1024;

/**
 * Writes the tar-split file of an archive: everything that the unpacked files do not have, such as headers and padding,
 * and the names, sizes and checksums of the files (vbatts/tar-split, package `storage`). Calls `onEntry` with each entry.
 */
export async function writeTarSplit(
  archive: SpooledArchive,
  output: Deno.FsFile,
  onEntry: (entry: LayerEntry) => void,
): Promise<void> {
  const stream = ReadableStream.from(joinLines(describeArchive(archive, onEntry))) as ByteStream;
  for await (const chunk of readChunks(gzipStream(stream, { level: 1 }))) await writeAll(output, chunk);
}

/** Yields lines, many at once. Between two of them, other tasks can run. */
async function* joinLines(lines: Iterable<string>): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let batch = "";
  for (const line of lines) {
    if (line === "") await new Promise((resolve) => setTimeout(resolve));
    batch += line;
    if (batch.length < BATCH) continue;
    yield encodeUtf8(batch);
    batch = "";
  }
  yield encodeUtf8(batch);
}

/** Yields the lines; empty ones while a large file is read. */
function* describeArchive(archive: SpooledArchive, onEntry: (entry: LayerEntry) => void): Generator<string> {
  const buffer = new Uint8Array(PIECE);
  let position = 0;
  const segment = function* (from: number, to: number) {
    for (let at = from; at < to; at += PIECE) {
      const bytes = buffer.subarray(0, readAt(archive.fd, buffer.subarray(0, Math.min(PIECE, to - at)), at));
      yield `{"type":2,"payload":"${bytes.toBase64()}","position":${position++}}\n`;
    }
  };
  const entries = readEntries(archive);
  for (let next = entries.next();; next = entries.next()) {
    if (next.done) return yield* segment(next.value, archive.size);
    const entry = next.value;
    onEntry(entry);
    const { header, start, content } = entry;
    yield* segment(start, content);
    const sum = new Crc64();
    for (let at = content; at < content + header.size; at += PIECE) {
      const length = Math.min(PIECE, content + header.size - at);
      sum.update(buffer.subarray(0, readAt(archive.fd, buffer.subarray(0, length), at)));
      if ((at - content + PIECE) % PAUSE_AFTER === 0) yield "";
    }
    const payload = header.size === 0 ? "null" : `"${sum.bytes().toBase64()}"`;
    const size = header.size === 0 ? "" : `,"size":${header.size}`;
    yield `{"type":1,${encodeName(header.nameBytes)}${size},"payload":${payload},"position":${position++}}\n`;
  }
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function encodeName(name: Uint8Array): string {
  try {
    return `"name":${encodeGoJsonText(STRICT.decode(name))}`;
  } catch {
    return `"name_raw":"${name.toBase64()}"`;
  }
}
