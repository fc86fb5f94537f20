import type { TarHeader, TarTime } from "../../../internal/tar/room.ts";
import type { LayerEntry } from "../writing/archive_parser.ts";
import { cannotStore, OPAQUE, WHITEOUT } from "../writing/check_entries.ts";
import { type ByteText, cleanPath, quoteBytes, splitPath, toByteText } from "./byte_text.ts";
import { hasCode, LibcError, loadLibc, S, writeFully } from "./libc.ts";
import {
  addName,
  createFile,
  findStat,
  isType,
  makeDevice,
  makeFolder,
  makeLink,
  makeNode,
  type OpenFile,
  type Place,
  setAttribute,
  setMode,
  setOwner,
  setTimes,
  type Time,
} from "./nodes.ts";
import { removeUncovered } from "./remove_uncovered.ts";
import type { Tree } from "./tree.ts";
import type { UnpackRules } from "./rules.ts";

/** Extended attributes in PAX records. */
const ATTRIBUTE = "SCHILY.xattr.";

/** Options for {@linkcode LayerUnpacker}. */
export interface UnpackOptions {
  /** How the driver stores layers, and what this process may do. */
  readonly rules: UnpackRules;
  /** Digest of the layer, for messages. */
  readonly layer: string;
}

/**
 * Unpacks the archive of a layer into a tree, entry by entry (storage `pkg/archive`). For vfs, the tree has the files of
 * the parent; for overlay, it is empty. Its methods throw `LAYER_NOT_REPRODUCIBLE` for an entry that cannot be unpacked.
 * Disposing closes the file of an entry that did not end.
 */
export class LayerUnpacker implements Disposable {
  readonly #tree: Tree;
  readonly #rules: UnpackRules;
  readonly #layer: string;
  /** Paths of the entries so far, and of the folders above them. Only vfs needs them. */
  readonly #own = new Set<ByteText>();
  /** Inodes of the files with content that this archive created. Only vfs needs them. */
  readonly #inodes = new Set<bigint>();
  readonly #folders: { path: ByteText; times: Pick<TarHeader, "modTime" | "accessTime"> }[] = [];
  #entry: LayerEntry | undefined;
  #file: OpenFile | undefined;

  constructor(tree: Tree, { rules, layer }: UnpackOptions) {
    this.#tree = tree;
    this.#rules = rules;
    this.#layer = layer;
  }

  /** Creates an entry; its content follows. */
  begin(entry: LayerEntry): void {
    this.#entry = entry;
    this.#explain(() => this.#begin(entry));
  }

  /** Writes a part of the content of the entry. */
  content(bytes: Uint8Array<ArrayBuffer>): void {
    const file = this.#file;
    if (file !== undefined) this.#explain(() => writeFully(file, bytes));
  }

  /** Sets the metadata of a file when its content is complete. */
  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    const { header } = this.#entry!;
    this.#explain(() => {
      this.#setMetadata(file, header);
      if (header.size > 0 && this.#rules.driver === "vfs") this.#inodes.add(findStat(file)!.inode);
    });
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) loadLibc().close(this.#file);
    this.#file = undefined;
  }

  /** Sets the times of the folders again, which their content changed. */
  finish(): void {
    for (const { path, times } of this.#folders) {
      const found = this.#tree.find(path);
      if (found && isType(found, S.FOLDER)) setHeaderTimes(this.#tree.place(path), times);
    }
  }

  #begin({ path, header }: LayerEntry): void {
    const isVfs = this.#rules.driver === "vfs";
    const isStored = path !== "" && (this.#rules.plainWhiteouts || !this.#applyWhiteout(path, header));
    if (isStored && header.type === "file") this.#file = this.#createFile(path);
    else if (isStored) this.#store(path, header);
    // An overlay mount ignores the top of a layer; its folder keeps the owner and mode of the parent's.
    if (path === "" && isVfs) {
      this.#setMetadata(this.#tree.root, header);
      this.#folders.push({ path, times: header });
    }
    if (!isVfs) return;
    for (let at = path; at !== "" && !this.#own.has(at); at = splitPath(at).folder) this.#own.add(at);
  }

  /** Creates a file instead of what has its name. */
  #createFile(path: ByteText): OpenFile {
    const file = createFile(this.#tree.place(path, true));
    if (file !== undefined) return file;
    this.#remove(path, path);
    return createFile(this.#tree.place(path)) ?? this.#createFile(path);
  }

  #store(path: ByteText, header: TarHeader): void {
    const before = findStat(this.#tree.place(path, true));
    const isKept = before && header.type === "dir" && isType(before, S.FOLDER);
    if (before && !isKept) this.#remove(path, path);
    if (header.type === "hardlink") this.#storeHardLink(path, cleanPath(toByteText(header.linkNameBytes)));
    else if (!isKept && !this.#storeNode(path, header)) return;
    const { modTime, accessTime } = header;
    if (header.type === "dir") this.#folders.push({ path, times: { modTime, accessTime } });
    this.#setMetadata(this.#tree.place(path), header);
  }

  #storeHardLink(path: ByteText, target: ByteText): void {
    // The parent's files are in the tree of vfs, but not in that of overlay.
    if (!this.#tree.find(target)) {
      throw cannotStore(
        this.#layer,
        `its entry ${quoteBytes(path)} is a hard link to ${quoteBytes(target)}, which ${
          this.#rules.driver === "overlay" ? "is not an earlier entry of the same layer" : "does not exist"
        }`,
      );
    }
    const place = this.#tree.place(path);
    addName(this.#tree.place(target), place);
  }

  /** Creates a folder, link, device or pipe. Returns false for a device that this process may not create. */
  #storeNode(path: ByteText, { type, mode, devMajor, devMinor, linkNameBytes }: TarHeader): boolean {
    const place = this.#tree.place(path);
    if (type === "dir") makeFolder(place, 0o700);
    else if (type === "symlink") makeLink(place, toByteText(linkNameBytes));
    else if (type === "fifo") makeNode(place, S.FIFO | (mode & 0o777), 0n);
    else if (this.#rules.limited) return false;
    else makeNode(place, (type === "char" ? S.CHAR : S.BLOCK) | (mode & 0o777), makeDevice(devMajor, devMinor));
    return true;
  }

  /** Sets the owner first: a change of the owner resets permissions such as SUID, and capabilities. */
  #setMetadata(target: Place | OpenFile, header: TarHeader): void {
    const { uid, gid, mode, type } = header;
    try {
      setOwner(target, uid, gid);
    } catch (error) {
      if (!this.#rules.ignoresOwnerErrors) throw this.#explainOwner(error, header);
    }
    // A hard link may be another name of a link.
    const isLink = type === "symlink" || (type === "hardlink" && isType(findStat(target)!, S.LINK));
    if (!isLink) setMode(target, mode);
    setHeaderTimes(target, header);
    for (const [key, value] of header.pax) {
      const name = key.startsWith(ATTRIBUTE) ? key.slice(ATTRIBUTE.length) : "security.selinux";
      if (name !== "security.selinux") this.#setAttribute(target, name, value);
    }
  }

  #setAttribute(target: Place | OpenFile, name: string, value: Uint8Array): void {
    try {
      setAttribute(target, name, value);
    } catch (error) {
      // A disk may not support attributes, and only root may set some of them.
      if (!hasCode(error, "EOPNOTSUPP", "ENOTSUP", ...(this.#rules.limited ? ["EPERM"] : []))) throw error;
    }
  }

  #explainOwner(error: unknown, { uid, gid, nameBytes }: TarHeader): unknown {
    if (!hasCode(error, "EINVAL") || !this.#rules.limited) return error;
    return cannotStore(
      this.#layer,
      `its entry ${
        quoteBytes(toByteText(nameBytes))
      } has the owner ${uid}:${gid}, which the user namespace does not have: add ids to /etc/subuid and /etc/subgid, or set ignore_chown_errors in storage.conf`,
      error,
    );
  }

  /** Applies a whiteout, or what else is not a file of the layer. Returns false for any other entry. */
  #applyWhiteout(path: ByteText, header: TarHeader): boolean {
    const { folder, name } = splitPath(path);
    if (!name.startsWith(WHITEOUT)) return false;
    const isOverlay = this.#rules.driver === "overlay";
    if (name === OPAQUE) {
      if (isOverlay) this.#setOpaque(folder);
      else removeUncovered(this.#tree, folder, this.#own);
      return true;
    }
    // Metadata of aufs at the top of the layer.
    if (!isOverlay && folder === "" && name.startsWith(WHITEOUT + WHITEOUT)) return true;
    const removed = (folder === "" ? "" : `${folder}/`) + name.slice(WHITEOUT.length);
    if (isOverlay) this.#makeWhiteout(removed, header);
    else if (this.#tree.find(removed)) this.#remove(removed, path);
    return true;
  }

  #setOpaque(folder: ByteText): void {
    const attribute = this.#rules.limited ? "user.overlay.opaque" : "trusted.overlay.opaque";
    // The folder may be implied by the entry.
    const place = folder === "" ? this.#tree.root : this.#tree.place(`${folder}/.`, true);
    setAttribute(place, attribute, Uint8Array.of("y".charCodeAt(0)));
  }

  #makeWhiteout(path: ByteText, { uid, gid }: TarHeader): void {
    const place = this.#tree.place(path, true);
    makeNode(place, S.CHAR, 0n);
    setOwner(place, uid, gid);
  }

  /** Removes what is at a path because of an entry. Fails if that is needed to assemble the archive again. */
  #remove(path: ByteText, entry: ByteText): void {
    this.#tree.remove(path, (place) => {
      const { size, inode, mode } = findStat(place)!;
      // In the tree of overlay, everything is from this archive.
      const isOwn = this.#rules.driver === "vfs" ? this.#inodes.has(inode) : size > 0 && isType({ mode }, S.FILE);
      if (!isOwn) return;
      throw cannotStore(this.#layer, `its entry ${quoteBytes(entry)} removes an earlier file of the same layer`);
    });
  }

  /** Adds the entry to errors of the disk that are caused by it. */
  #explain(work: () => void): void {
    try {
      work();
    } catch (error) {
      // A full disk is not a problem of the entry.
      if (!(error instanceof LibcError) || hasCode(error, "ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE")) throw error;
      const name = quoteBytes(toByteText(this.#entry!.header.nameBytes));
      throw cannotStore(this.#layer, `its entry ${name} cannot be unpacked: ${error.message}`, error);
    }
  }
}

/**
 * Sets the times of an entry. Without a time of access, or an earlier one, that of the modification is used. Like other
 * tools, times before 1970 become 1970.
 */
function setHeaderTimes(target: Place | OpenFile, times: Pick<TarHeader, "modTime" | "accessTime">): void {
  const modified = toTime(times.modTime);
  const accessed = times.accessTime ? toTime(times.accessTime) : modified;
  setTimes(target, isLater(accessed, modified) ? accessed : modified, modified);
}

function isLater(a: Time, b: Time): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds);
}

function toTime({ seconds, nanoseconds }: TarTime): Time {
  return seconds < 0 ? { seconds: 0, nanoseconds: 0 } : { seconds, nanoseconds };
}
