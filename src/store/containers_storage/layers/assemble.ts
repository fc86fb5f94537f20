import { LayerFileError } from "./layer_error.ts";
import type { LayerFiles } from "./layer_files.ts";
import type { OpenFile } from "./raw_file.ts";
import { isSplitFile, type SplitEntry } from "./tar_split.ts";

/** Size of the chunks in bytes. Larger chunks are not faster and keep more memory in use. */
const CHUNK_SIZE = 64 * 1024;

/** Maximum number of files per chunk. Files are opened synchronously, so this lets other tasks run in between. */
const MAX_FILES = 32;

/**
 * Assembles a tar archive from the pieces in its tar-split file and the files that were unpacked from it.
 *
 * @throws {LayerFileError} For a file that is missing or too short.
 */
export async function* assembleTar(
  entries: AsyncIterable<SplitEntry[]>,
  files: LayerFiles,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let chunk = new Uint8Array(CHUNK_SIZE), used = 0, opened = 0;
  for await (const batch of entries) {
    for (const entry of batch) {
      const isFile = isSplitFile(entry);
      using content = isFile ? files.open(entry) : openBytes(entry);
      for (let left = isFile ? entry.size : entry.length; left > 0;) {
        const reading = content.read(chunk.subarray(used, used + left));
        const count = typeof reading === "number" ? reading : await reading;
        if (count === 0 && isFile) throw new LayerFileError(entry, `is shorter than ${entry.size} bytes`);
        used += count;
        left -= count;
        if (used < CHUNK_SIZE) continue;
        yield chunk;
        chunk = new Uint8Array(CHUNK_SIZE);
        used = opened = 0;
      }
      if (!isFile || ++opened < MAX_FILES) continue;
      yield chunk.subarray(0, used);
      chunk = new Uint8Array(CHUNK_SIZE);
      used = opened = 0;
    }
  }
  if (used > 0) yield chunk.subarray(0, used);
}

/** Wraps bytes as an open file. */
function openBytes(bytes: Uint8Array): OpenFile {
  let at = 0;
  return {
    read(view) {
      const part = bytes.subarray(at, at + view.length);
      view.set(part);
      at += part.length;
      return part.length;
    },
    [Symbol.dispose]: () => {},
  };
}
