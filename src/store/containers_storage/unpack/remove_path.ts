import { basename, dirname } from "@std/path";
import { fromPath, terminate } from "./byte_text.ts";
import { check, hasCode, loadLibc, O } from "./libc.ts";
import { removeAll } from "./nodes.ts";

/** Removes a file, or a folder with its content, whatever bytes its names have. Nothing there is not an error. */
export function removePath(path: string): void {
  const { open, close } = loadLibc();
  let fd: number;
  try {
    fd = check(open(terminate(fromPath(dirname(path))), O.PATH | O.DIRECTORY | O.CLOEXEC, 0));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  try {
    removeAll({ fd, name: fromPath(basename(path)) });
  } finally {
    close(fd);
  }
}
