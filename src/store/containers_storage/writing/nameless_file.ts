import { fromPath, terminate } from "../unpack/byte_text.ts";
import { check, loadLibc, O } from "../unpack/libc.ts";
import type { OpenFile } from "../unpack/nodes.ts";

/** A temporary file without a name, which the system deletes when it is closed. */
export interface NamelessFile extends Disposable {
  /** Descriptor of the file, open for reading and writing, also in workers. */
  readonly fd: OpenFile;
}

/** @param folder Folder for the file. Default: that of the system. */
export async function openNamelessFile(folder: string | undefined): Promise<NamelessFile> {
  const path = await Deno.makeTempFile({ prefix: "manifests-", ...(folder ? { dir: folder } : {}) });
  try {
    const { open, close } = loadLibc();
    const fd = check(open(terminate(fromPath(path)), O.READ_WRITE | O.CLOEXEC, 0));
    return { fd, [Symbol.dispose]: () => void close(fd) };
  } finally {
    await Deno.remove(path);
  }
}
