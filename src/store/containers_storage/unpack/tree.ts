import { type ByteText, fromPath, splitPath, terminate } from "./byte_text.ts";
import { check, hasCode, loadLibc, O, openBelow } from "./libc.ts";
import { findStat, makeFolder, type Place, removeAll, setMode, type Stat } from "./nodes.ts";

/** Maximum number of folders that are kept open. */
const MAX_OPEN = 64;

/** Permissions of folders that an archive does not list. */
const IMPLIED_MODE = 0o755;

/**
 * A folder whose content is created. Paths in it are resolved as if it were `/`: links in it are followed, but never lead
 * out of it. Disposing closes it.
 */
export class Tree implements Disposable {
  /** Place of the folder itself. */
  readonly root: Place;
  readonly #open = new Map<ByteText, number>();

  /** @param path Path of the folder, which must exist. */
  constructor(path: string) {
    const fd = check(loadLibc().open(terminate(fromPath(path)), O.PATH | O.DIRECTORY | O.CLOEXEC, 0));
    this.root = { fd, name: "." };
  }

  /**
   * Returns the place of a cleaned path, which is valid for this and the next call only. Missing folders above it are
   * created if `creates` is true.
   */
  place(path: ByteText, creates = false): Place {
    if (path === "") return this.root;
    const { folder, name } = splitPath(path);
    if (name === "" || name === "..") throw new TypeError(`Cannot use ${JSON.stringify(path)} as a path in a layer`);
    return { fd: this.#folder(folder, creates), name };
  }

  /** Returns the metadata of a cleaned path; `undefined` if nothing is there. */
  find(path: ByteText): Stat | undefined {
    try {
      return findStat(this.place(path));
    } catch (error) {
      if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
      throw error;
    }
  }

  /**
   * Removes what is at a cleaned path, with its content; not the folder itself. Calls `onRemove` before each removal.
   * Places that were returned before are invalid afterwards.
   */
  remove(path: ByteText, onRemove?: (place: Place) => void): void {
    const { fd, name } = this.place(path);
    const { openat, close } = loadLibc();
    // Other folders that are kept open may be removed too, or may be reached through a link that is removed.
    const folder = check(openat(fd, terminate("."), O.PATH | O.DIRECTORY | O.CLOEXEC, 0));
    this.#closeFolders();
    try {
      removeAll({ fd: folder, name }, onRemove);
    } finally {
      close(folder);
    }
  }

  [Symbol.dispose](): void {
    this.#closeFolders();
    loadLibc().close(this.root.fd);
  }

  #folder(folder: ByteText, creates: boolean): number {
    if (folder === "") return this.root.fd;
    const known = this.#open.get(folder);
    const fd = known ?? this.#openFolder(folder, creates);
    // The folder that was not used for the longest time is the first one.
    this.#open.delete(folder);
    this.#open.set(folder, fd);
    const [[oldest, oldFd]] = this.#open as unknown as [[ByteText, number]];
    if (this.#open.size > MAX_OPEN) {
      this.#open.delete(oldest);
      loadLibc().close(oldFd);
    }
    return fd;
  }

  #openFolder(folder: ByteText, creates: boolean): number {
    try {
      return openBelow(this.root.fd, folder);
    } catch (error) {
      if (!creates || !hasCode(error, "ENOENT")) throw error;
      const place = this.place(folder, true);
      try {
        makeFolder(place, IMPLIED_MODE);
      } catch (failure) {
        // A link that leads nowhere has the name.
        throw hasCode(failure, "EEXIST") ? error : failure;
      }
      setMode(place, IMPLIED_MODE);
      return openBelow(this.root.fd, folder);
    }
  }

  #closeFolders(): void {
    for (const fd of this.#open.values()) loadLibc().close(fd);
    this.#open.clear();
  }
}
