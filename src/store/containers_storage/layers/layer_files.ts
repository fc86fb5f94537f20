import { closeSync, lstatSync, openSync, read, readlinkSync, readSync } from "node:fs";
import { LayerFileError } from "./layer_error.ts";
import { canOpenRawFiles, OPEN_FLAGS, type OpenFile, openRawFile } from "./raw_file.ts";
import type { SplitFile } from "./tar_split.ts";

/** Maximum size in bytes of a synchronous read. Handing a small read to a thread takes longer than the read itself. */
const MAX_SYNC_READ = 64 * 1024;

/** Maximum number of links in one path, as in Linux (path_resolution(7)). */
const MAX_LINKS = 40;

/** Maximum number of resolved folders in the cache. */
const MAX_FOLDERS = 10_000;

/** The files of an unpacked layer. */
export class LayerFiles {
  readonly #root: string;
  readonly #folders = new Map<string, string>();

  /** @param root Folder of the layer, with all links resolved. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Opens a file.
   *
   * Names come from the author of the image, so they are resolved as if the folder of the layer were `/`. A name with
   * `..` is rejected, and the file itself must not be a link. Links among its folders are valid in a tar archive; they
   * are resolved here and not by the system, which would follow an absolute link out of the layer. A layer does not
   * change once it is unpacked, so resolved folders are cached.
   *
   * @throws {LayerFileError} If the file is missing, is a link, or has a name that leads out of the layer.
   */
  open(file: SplitFile): OpenFile {
    const { name } = file;
    if (typeof name !== "string") return this.#openRaw(file, name);
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    const last = parts.pop();
    if (last === undefined || last === ".." || parts.includes("..") || name.includes("\0")) {
      throw new LayerFileError(file, "has a name that leads out of the layer");
    }
    try {
      return openFile(`${this.#resolve(parts.join("/"))}/${last}`);
    } catch (cause) {
      const { code } = cause as { code?: string };
      if (code === "ENOENT" || code === "ENOTDIR") throw new LayerFileError(file, "is missing", cause);
      if (code === "ELOOP") throw new LayerFileError(file, "is a link", cause);
      throw cause;
    }
  }

  #openRaw(file: SplitFile, name: Uint8Array<ArrayBuffer>): OpenFile {
    if (!canOpenRawFiles()) {
      throw new LayerFileError(
        file,
        "has a name that is not UTF-8, which can only be opened on Linux with --allow-ffi",
      );
    }
    const open = name.includes(0) ? undefined : openRawFile(this.#root, name);
    if (!open) throw new LayerFileError(file, "is missing or cannot be opened");
    return open;
  }

  #resolve(folder: string): string {
    let path = this.#folders.get(folder);
    if (path === undefined) {
      path = resolveBelow(this.#root, folder);
      if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear();
      this.#folders.set(folder, path);
    }
    return path;
  }
}

/** Returns the path of a folder below `root`, with links resolved as if `root` were `/`. */
function resolveBelow(root: string, folder: string): string {
  const pending = folder.split("/").reverse();
  let resolved: string[] = [];
  for (let links = 0; pending.length > 0;) {
    const part = pending.pop()!;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      resolved.pop();
      continue;
    }
    const path = [root, ...resolved, part].join("/");
    if (!lstatSync(path).isSymbolicLink()) {
      resolved.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw Object.assign(new Error("too many links"), { code: "ELOOP" });
    const target = readlinkSync(path);
    if (target.startsWith("/")) resolved = [];
    pending.push(...target.split("/").reverse());
  }
  return [root, ...resolved].join("/");
}

/** Opens a file synchronously: most files are small, and opening one on a thread takes five times as long. */
function openFile(path: string): OpenFile {
  const file = openSync(path, OPEN_FLAGS);
  return {
    read(view) {
      if (view.length <= MAX_SYNC_READ) return readSync(file, view, 0, view.length, null);
      return new Promise((resolve, reject) => {
        read(file, view, 0, view.length, null, (error, count) => error ? reject(error) : resolve(count ?? 0));
      });
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}
