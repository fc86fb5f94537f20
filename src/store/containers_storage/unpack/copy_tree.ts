import { type ByteText, terminate } from "./byte_text.ts";
import { copyContent } from "./copy_content.ts";
import { check, hasCode, loadLibc, O, S } from "./libc.ts";
import {
  addName,
  createFile,
  findStat,
  isType,
  listNames,
  makeFolder,
  makeLink,
  makeNode,
  openFolder,
  type Place,
  readAttributes,
  readLink,
  setAttribute,
  setMode,
  setOwner,
  setTimes,
  type Stat,
} from "./nodes.ts";

/** Number of files after which other tasks can run. */
const PAUSE_AFTER = 512;

/** Options for {@linkcode copyTree}. */
export interface CopyTreeOptions {
  /** True if attributes that only root may set are left out. */
  readonly limited: boolean;
  /** Aborts the copy between two files. Default: it is never aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies the content and the metadata of a folder to another one, which exists: types, permissions, owners, attributes,
 * times, and the hard links among the files.
 */
export async function copyTree(from: Place, to: Place, options: CopyTreeOptions): Promise<void> {
  await new TreeCopy(options).folder(from, to, findStat(from)!);
}

class TreeCopy {
  readonly #options: CopyTreeOptions;
  /** Path of the first copy of each file with several names. */
  readonly #names = new Map<bigint, ByteText>();
  #count = 0;
  #roots: { to: number } | undefined;

  constructor(options: CopyTreeOptions) {
    this.#options = options;
  }

  async folder(from: Place, to: Place, stat: Stat, path: ByteText = ""): Promise<void> {
    const { close } = loadLibc();
    const source = openFolder(from), target = openFolder(to);
    this.#roots ??= { to: target };
    try {
      for (const name of listNames(source)) {
        await this.#copy({ fd: source, name }, { fd: target, name }, path === "" ? name : `${path}/${name}`);
      }
    } finally {
      close(source);
      close(target);
    }
    this.#setMetadata(from, to, stat);
  }

  async #copy(from: Place, to: Place, path: ByteText): Promise<void> {
    if (++this.#count % PAUSE_AFTER === 0) {
      await new Promise((resolve) => setTimeout(resolve));
      this.#options.signal?.throwIfAborted();
    }
    const stat = findStat(from)!;
    if (isType(stat, S.FOLDER)) {
      makeFolder(to, 0o700);
      return await this.folder(from, to, stat, path);
    }
    const hasNames = stat.links > 1 && isType(stat, S.FILE);
    const first = hasNames ? this.#names.get(stat.inode) : undefined;
    if (first !== undefined) return addName({ fd: this.#roots!.to, name: first }, to);
    if (hasNames) this.#names.set(stat.inode, path);
    if (isType(stat, S.LINK)) makeLink(to, readLink(from));
    else if (isType(stat, S.FILE)) await this.#copyFile(from, to, stat.size);
    else makeNode(to, stat.mode, stat.device);
    this.#setMetadata(from, to, stat);
  }

  async #copyFile(from: Place, to: Place, size: number): Promise<void> {
    const { openat, close } = loadLibc();
    const source = check(openat(from.fd, terminate(from.name), O.NOFOLLOW | O.CLOEXEC, 0));
    try {
      const target = createFile(to);
      if (target === undefined) throw new Deno.errors.AlreadyExists("the copy of a file exists");
      try {
        await copyContent(source, target, 0, size);
      } finally {
        close(target);
      }
    } finally {
      close(source);
    }
  }

  #setMetadata(from: Place, to: Place, stat: Stat): void {
    setOwner(to, stat.uid, stat.gid);
    if (!isType(stat, S.LINK)) setMode(to, stat.mode);
    for (const [name, value] of readAttributes(from)) {
      try {
        setAttribute(to, name, value);
      } catch (error) {
        if (!this.#options.limited || !hasCode(error, "EPERM", "EOPNOTSUPP", "ENOTSUP")) throw error;
      }
    }
    setTimes(to, stat.accessed, stat.modified);
  }
}
