import { closeSync, lstatSync, openSync, read, readlinkSync, readSync } from "node:fs";
import { canOpenRawFiles, OPEN_FLAGS, type OpenFile, openRawFile } from "./raw_file.ts";
import type { SplitFile } from "./tar_split.ts";

/** Reads of up to so many bytes are made at once: a thread would take longer to start than to read. */
const MAX_SYNC_READ = 64 * 1024;

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

/** How many folders are remembered. */
const MAX_FOLDERS = 10_000;

/** A file of a layer that is not what it was when the layer was unpacked. The message names it. */
export class LayerFileError extends Error {
  constructor({ name }: SplitFile, problem: string, cause?: unknown) {
    const text = typeof name === "string" ? name : new TextDecoder().decode(name);
    super(`its file ${JSON.stringify(text)} ${problem}`, { cause });
  }
}

/** The files of an unpacked layer. */
export class LayerFiles {
  readonly #root: string;
  readonly #folders = new Map<string, string>();

  /** @param root The layer's folder, without links in its path. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Opens a file.
   *
   * Names come from whoever made the image, so they are looked up as if the layer's folder were the root of
   * everything: `..` is refused, the file itself must not be a link, and links among its folders, over which a tar
   * may well unpack, are followed by us and not by the system, which would leave the layer with those that are
   * absolute. Nobody changes a layer once it is made, so what was found of a folder stays so.
   *
   * @throws {LayerFileError} Where there is no such file.
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
      throw new LayerFileError(file, "has a name that is not UTF-8, and is opened with --allow-ffi only, on Linux");
    }
    const open = name.includes(0) ? undefined : openRawFile(this.#root, name);
    if (!open) throw new LayerFileError(file, "is missing or cannot be opened");
    return open;
  }

  #resolve(folder: string): string {
    let path = this.#folders.get(folder);
    if (path === undefined) {
      path = resolveWithin(this.#root, folder);
      if (this.#folders.size >= MAX_FOLDERS) this.#folders.clear();
      this.#folders.set(folder, path);
    }
    return path;
  }
}

/** The path of a folder below `root`, with links followed as they would be if `root` were `/`. */
function resolveWithin(root: string, folder: string): string {
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

/** Opens at once: most files are small, and to open one by way of a thread takes five times as long. */
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
