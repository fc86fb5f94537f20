import { constants } from "node:fs";
import { findLibc } from "../../lock/fcntl.ts";
import { fromPath, terminate, toByteText } from "../unpack/byte_text.ts";
import { LibcError, loadLibc, O, openBelow, readAt } from "../unpack/libc.ts";

/** Flag of Linux that does not rely on `node:fs` alone, because it matters for security. */
const O_NOFOLLOW = Deno.build.os === "linux" ? O.NOFOLLOW : constants.O_NOFOLLOW ?? 0;

/** Flags for opening a file: it must not be a link, and opening a pipe must not wait for a writer. */
export const OPEN_FLAGS: number = constants.O_RDONLY | O_NOFOLLOW | (constants.O_NONBLOCK ?? 0);

/** An open file that is read from its beginning to its end. Disposing closes it. */
export interface OpenFile extends Disposable {
  /** Reads up to `view.length` bytes and returns how many; 0 at the end. Small views are filled at once. */
  read(view: Uint8Array<ArrayBuffer>): number | Promise<number>;
}

/** True if {@linkcode openRawFile} can work: on Linux, with `--allow-ffi`. */
export function canOpenRawFiles(): boolean {
  return findLibc() !== undefined;
}

/**
 * Opens a file whose name is not UTF-8, which the runtime's own functions cannot express. The kernel treats the folder
 * as `/`, so neither links nor `..` lead out of it. Returns `undefined` if the file cannot be opened.
 */
export function openRawFile(folder: string, name: Uint8Array<ArrayBuffer>): OpenFile | undefined {
  const { open, close } = loadLibc();
  const root = open(terminate(fromPath(folder)), O.PATH | O.CLOEXEC, 0);
  if (root < 0) return undefined;
  let file: number;
  try {
    file = openBelow(root, toByteText(name), OPEN_FLAGS);
  } catch (error) {
    if (error instanceof LibcError) return undefined;
    throw error;
  } finally {
    close(root);
  }
  let position = 0;
  return {
    read(view) {
      const count = readAt(file, view, position);
      position += count;
      return count;
    },
    [Symbol.dispose]: () => void close(file),
  };
}
