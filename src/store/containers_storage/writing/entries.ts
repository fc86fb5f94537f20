import { TAR_BLOCK_SIZE, TarError, type TarHeader, TarHeaderParser, tarPadding } from "../../../internal/tar/room.ts";
import { type ByteText, cleanPath, toByteText } from "../unpack/byte_text.ts";
import { readAt } from "../unpack/libc.ts";

/** The uncompressed archive of a layer in an open temporary file. */
export interface SpooledArchive {
  /** File descriptor, open for reading. */
  readonly fd: number;
  /** Size of the archive in bytes. */
  readonly size: number;
}

/** An entry of an archive, with the position of its parts in bytes. */
export interface LayerEntry {
  /** Header with its extensions applied. */
  readonly header: TarHeader;
  /** Cleaned name; `""` for the top of the layer. Begins with `..` if it leads out of the layer. */
  readonly path: ByteText;
  /** End of the content of the previous entry: padding, extensions and the header follow. */
  readonly start: number;
  /** Position of the first byte of the content. */
  readonly content: number;
}

/** Size of the window through which headers are read, in bytes. */
const WINDOW = 64 * 1024;

/**
 * Yields the entries of an archive and returns the end of the last content. As in Go's reader, an archive ends with two
 * blocks of zeros or with the file, and global PAX headers do not apply.
 *
 * @throws {TarError} If the archive is corrupt.
 */
export function* readEntries(archive: SpooledArchive): Generator<LayerEntry, number, undefined> {
  const parser = new TarHeaderParser({ ignoresGlobal: true });
  const read = createReader(archive);
  let start = 0;
  for (let at = 0, zeros = 0; at < archive.size && zeros < 2;) {
    const step = parser.block(read(at, TAR_BLOCK_SIZE));
    at += TAR_BLOCK_SIZE;
    if (step.kind === "zero") {
      zeros++;
    } else if (step.kind === "extension") {
      parser.extension(read(at, step.size));
      at += step.size + tarPadding(step.size);
    } else {
      const { header } = step;
      if (at + header.size > archive.size) throw new TarError("Cannot read a tar archive: it is truncated");
      yield { header, path: cleanPath(toByteText(header.nameBytes)), start, content: at };
      start = at + header.size;
      at = start + tarPadding(header.size);
    }
  }
  return start;
}

/** Returns a function that reads parts of an archive; those that are near each other are read at once. */
function createReader({ fd, size }: SpooledArchive): (at: number, length: number) => Uint8Array<ArrayBuffer> {
  let window = new Uint8Array();
  let position = 0;
  return (at, length) => {
    if (at + length > size) throw new TarError("Cannot read a tar archive: it is truncated");
    if (at < position || at + length > position + window.length) {
      window = new Uint8Array(Math.min(Math.max(WINDOW, length), size - at));
      position = at;
      if (readAt(fd, window, at) < window.length) throw new TarError("Cannot read a tar archive: it is truncated");
    }
    return window.subarray(at - position, at - position + length);
  };
}
