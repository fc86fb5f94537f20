import type { TarHeader } from "../../../internal/tar/room.ts";
import { cannotStore } from "../layers/layer_error.ts";
import { type ByteText, cleanPath, quoteBytes, splitPath, toByteText } from "./byte_text.ts";
import { type EntryWriter, type LayerEntry, OPAQUE, WHITEOUT } from "./entries.ts";
import { EntryMetadata, setHeaderTimes, type UnpackOptions } from "./entry_metadata.ts";
import { hasCode, loadLibc, S, writeFully } from "./libc.ts";
import {
  addName,
  createFile,
  findStat,
  isType,
  makeDevice,
  makeFolder,
  makeLink,
  makeNode,
  moveFile,
  type OpenFile,
  setAttribute,
} from "./nodes.ts";
import { removeUncovered } from "./remove_uncovered.ts";
import type { Tree } from "./tree.ts";
import type { UnpackRules } from "./rules.ts";

/**
 * Unpacks the archive of a layer into a tree, entry by entry (storage `pkg/archive`). For vfs, the tree has the files of
 * the parent; for overlay, it is empty. Its methods throw `LAYER_NOT_REPRODUCIBLE` for an entry that cannot be unpacked.
 * Disposing closes the file of an entry that did not end.
 */
export class LayerUnpacker implements EntryWriter {
  readonly #tree: Tree;
  readonly #rules: UnpackRules;
  readonly #layer: string;
  readonly #metadata: EntryMetadata;
  readonly #contents: OpenFile | undefined;
  /** Paths of the entries so far, and of the folders above them. Only vfs needs them. */
  readonly #own = new Set<ByteText>();
  /** Inodes of the files with content that this archive created. Only vfs needs them. */
  readonly #inodes = new Set<bigint>();
  readonly #folders: { path: ByteText; times: Pick<TarHeader, "modTime" | "accessTime"> }[] = [];
  #header: TarHeader | undefined;
  #file: OpenFile | undefined;

  /**
   * @param contents Folder of the files that a {@linkcode ContentWriter} wrote, which are moved into the tree. Default:
   * they are created, and their content follows.
   */
  constructor(tree: Tree, options: UnpackOptions, contents?: OpenFile) {
    this.#tree = tree;
    this.#rules = options.rules;
    this.#layer = options.layer;
    this.#metadata = new EntryMetadata(options);
    this.#contents = contents;
  }

  begin(entry: LayerEntry): void {
    this.#header = entry.header;
    this.#metadata.explain(entry.header, () => this.#begin(entry));
  }

  content(bytes: Uint8Array<ArrayBuffer>): void {
    const file = this.#file;
    if (file !== undefined) this.#metadata.explain(this.#header!, () => writeFully(file, bytes));
  }

  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#metadata.explain(this.#header!, () => this.#metadata.set(file, this.#header!));
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

  #begin({ path, header, number }: LayerEntry): void {
    const isVfs = this.#rules.driver === "vfs";
    const isStored = path !== "" && (this.#rules.plainWhiteouts || !this.#applyWhiteout(path, header));
    if (isStored && header.type === "file") this.#storeFile(path, number);
    else if (isStored) this.#store(path, header);
    if (path === "" && (isVfs || isSlash(header))) {
      this.#metadata.set(this.#tree.root, header);
      this.#folders.push({ path, times: header });
    }
    if (!isVfs) return;
    for (let at = path; at !== "" && !this.#own.has(at); at = splitPath(at).folder) this.#own.add(at);
  }

  /** Puts a file at a path, instead of what is there. */
  #storeFile(path: ByteText, number: number): void {
    if (this.#contents === undefined) {
      this.#file = createFile(this.#tree.place(path, true));
      if (this.#file !== undefined) return;
      this.#remove(path, path);
      this.#file = createFile(this.#tree.place(path));
    } else {
      if (findStat(this.#tree.place(path, true))) this.#remove(path, path);
      const place = this.#tree.place(path);
      moveFile({ fd: this.#contents, name: `${number}` }, place);
      const { size, inode } = findStat(place)!;
      if (size > 0) this.#inodes.add(inode);
    }
  }

  #store(path: ByteText, header: TarHeader): void {
    const before = findStat(this.#tree.place(path, true));
    const isKept = before && header.type === "dir" && isType(before, S.FOLDER);
    if (before && !isKept) this.#remove(path, path);
    if (header.type === "hardlink") this.#storeHardLink(path, cleanPath(toByteText(header.linkNameBytes)));
    else if (!isKept && !this.#storeNode(path, header)) return;
    const { modTime, accessTime } = header;
    if (header.type === "dir") this.#folders.push({ path, times: { modTime, accessTime } });
    this.#metadata.set(this.#tree.place(path), header);
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

  /** Applies a whiteout, or what else is not a file of the layer. Returns false for any other entry. */
  #applyWhiteout(path: ByteText, header: TarHeader): boolean {
    const { folder, name } = splitPath(path);
    if (!name.startsWith(WHITEOUT)) return false;
    try {
      // Like other entries, it creates the folders above it.
      this.#tree.place(path, true);
    } catch (error) {
      // Below a file, or a link to nothing, there is nothing to remove.
      if (hasCode(error, "ENOTDIR", "ENOENT")) return true;
      throw error;
    }
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
    const place = folder === "" ? this.#tree.root : this.#tree.place(`${folder}/.`);
    setAttribute(place, attribute, Uint8Array.of("y".charCodeAt(0)));
  }

  #makeWhiteout(path: ByteText, header: TarHeader): void {
    const place = this.#tree.place(path);
    makeNode(place, S.CHAR, 0n);
    this.#metadata.setOwner(place, header);
  }

  /** Removes what is at a path because of an entry. Fails if that is needed to assemble the archive again. */
  #remove(path: ByteText, entry: ByteText): void {
    this.#tree.remove(path, (place) => {
      const { size, inode, mode } = findStat(place)!;
      // In the tree of overlay, everything is of this archive.
      const isOwn = this.#rules.driver === "vfs" ? this.#inodes.has(inode) : size > 0 && isType({ mode }, S.FILE);
      if (!isOwn) return;
      throw cannotStore(this.#layer, `its entry ${quoteBytes(entry)} removes an earlier file of the same layer`);
    });
  }
}

/**
 * True for an entry `/`. For overlay, other tools set the metadata of the top of a layer from such an entry, as kaniko
 * writes it, but not from `./`: then the top has those of the parent's.
 */
export function isSlash({ nameBytes }: Pick<TarHeader, "nameBytes">): boolean {
  return nameBytes[0] === "/".charCodeAt(0) && cleanPath(toByteText(nameBytes)) === "";
}
