import type { TarHeader, TarTime } from "../../../internal/tar/room.ts";
import { cannotStore, OPAQUE, WHITEOUT } from "../writing/check_entries.ts";
import { type LayerEntry, readEntries, type SpooledArchive } from "../writing/entries.ts";
import { type ByteText, cleanPath, quoteBytes, splitPath, toByteText } from "./byte_text.ts";
import { copyContent } from "./copy_content.ts";
import { hasCode, LibcError, loadLibc, S } from "./libc.ts";
import {
  addName,
  createFile,
  findStat,
  isType,
  makeDevice,
  makeFolder,
  makeLink,
  makeNode,
  type Nanoseconds,
  type Place,
  setAttribute,
  setMode,
  setOwner,
  setTimes,
} from "./nodes.ts";
import { removeUncovered } from "./remove_uncovered.ts";
import type { Tree } from "./tree.ts";
import type { UnpackRules } from "./rules.ts";

/** Extended attributes in PAX records. */
const ATTRIBUTE = "SCHILY.xattr.";

/** Number of entries after which other tasks can run. */
const PAUSE_AFTER = 512;

/** Options for {@linkcode applyLayer}. */
export interface ApplyOptions {
  /** How the driver stores layers, and what this process may do. */
  readonly rules: UnpackRules;
  /** Digest of the layer, for messages. */
  readonly layer: string;
  /** Aborts the work between two entries. Default: it is never aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Unpacks the archive of a layer into a tree (storage `pkg/archive`). For vfs, the tree has the files of the parent; for
 * overlay, it is empty.
 *
 * @throws {ManifestsError} With code `LAYER_NOT_REPRODUCIBLE` for an entry that cannot be unpacked.
 */
export async function applyLayer(archive: SpooledArchive, tree: Tree, options: ApplyOptions): Promise<void> {
  const applier = new Applier(archive, tree, options);
  let count = 0;
  for (const entry of readEntries(archive)) {
    try {
      await applier.apply(entry);
    } catch (error) {
      throw explain(entry, error, options);
    }
    if (++count % PAUSE_AFTER !== 0) continue;
    await new Promise((resolve) => setTimeout(resolve));
    options.signal?.throwIfAborted();
  }
  applier.finish();
}

function explain({ header }: LayerEntry, error: unknown, { layer }: ApplyOptions): unknown {
  // A full disk is not a problem of the entry.
  if (!(error instanceof LibcError) || hasCode(error, "ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE")) return error;
  return cannotStore(
    layer,
    `its entry ${quoteBytes(toByteText(header.nameBytes))} cannot be unpacked: ${error.message}`,
    error,
  );
}

class Applier {
  readonly #archive: SpooledArchive;
  readonly #tree: Tree;
  readonly #rules: UnpackRules;
  readonly #layer: string;
  /** Paths of the entries so far, and of the folders above them. */
  readonly #own = new Set<ByteText>();
  /** Inodes of the files with content that this archive created. */
  readonly #inodes = new Set<bigint>();
  readonly #folders: { path: ByteText; header: TarHeader }[] = [];

  constructor(archive: SpooledArchive, tree: Tree, { rules, layer }: ApplyOptions) {
    this.#archive = archive;
    this.#tree = tree;
    this.#rules = rules;
    this.#layer = layer;
  }

  async apply(entry: LayerEntry): Promise<void> {
    const { path } = entry;
    const isStored = path !== "" && (this.#rules.plainWhiteouts || !this.#applyWhiteout(entry));
    if (isStored) await this.#store(entry);
    // An overlay mount ignores the top of a layer; its folder keeps the owner and mode of the parent's.
    if (path === "" && this.#rules.driver === "vfs") {
      this.#setMetadata(this.#tree.root, entry.header);
      this.#folders.push(entry);
    }
    for (let at = path; at !== "" && !this.#own.has(at); at = splitPath(at).folder) this.#own.add(at);
  }

  /** Sets the times of the folders again, which their content changed. */
  finish(): void {
    for (const { path, header } of this.#folders) {
      const found = this.#tree.find(path);
      if (found && isType(found, S.FOLDER)) setHeaderTimes(this.#tree.place(path), header);
    }
  }

  async #store({ path, header, content }: LayerEntry): Promise<void> {
    const before = findStat(this.#tree.place(path, true));
    const isKept = before && header.type === "dir" && isType(before, S.FOLDER);
    if (before && !isKept) this.#tree.remove(path, (place) => this.#assertNotOwn(place, path));
    if (header.type === "file") await this.#storeFile(path, content, header.size);
    else if (header.type === "hardlink") this.#storeHardLink(path, cleanPath(toByteText(header.linkNameBytes)));
    else if (!isKept && !this.#storeNode(path, header)) return;
    if (header.type === "dir") this.#folders.push({ path, header });
    this.#setMetadata(this.#tree.place(path), header);
  }

  async #storeFile(path: ByteText, content: number, size: number): Promise<void> {
    const fd = createFile(this.#tree.place(path));
    try {
      await copyContent(this.#archive.fd, fd, content, size);
    } finally {
      loadLibc().close(fd);
    }
    if (size > 0) this.#inodes.add(findStat(this.#tree.place(path))!.inode);
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
  #setMetadata(place: Place, header: TarHeader): void {
    const { uid, gid, mode } = header;
    try {
      setOwner(place, uid, gid);
    } catch (error) {
      if (!this.#rules.ignoresOwnerErrors) throw this.#explainOwner(error, header);
    }
    if (!isType(findStat(place)!, S.LINK)) setMode(place, mode);
    setHeaderTimes(place, header);
    for (const [key, value] of header.pax) {
      const name = key.startsWith(ATTRIBUTE) ? key.slice(ATTRIBUTE.length) : "security.selinux";
      if (name !== "security.selinux") this.#setAttribute(place, name, value);
    }
  }

  #setAttribute(place: Place, name: string, value: Uint8Array): void {
    try {
      setAttribute(place, name, value);
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
  #applyWhiteout({ path, header }: LayerEntry): boolean {
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
    else if (this.#tree.find(removed)) this.#tree.remove(removed, (place) => this.#assertNotOwn(place, path));
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

  /** Fails if a file that is removed is needed to assemble the archive again. */
  #assertNotOwn(place: Place, path: ByteText): void {
    if (!this.#inodes.has(findStat(place)!.inode)) return;
    throw cannotStore(this.#layer, `its entry ${quoteBytes(path)} removes an earlier file of the same layer`);
  }
}

/**
 * Sets the times of an entry. Without a time of access, or an earlier one, that of the modification is used. Like other
 * tools, times before 1970 become 1970.
 */
function setHeaderTimes(place: Place, { modTime, accessTime }: TarHeader): void {
  const modified = toNanoseconds(modTime);
  const accessed = accessTime ? toNanoseconds(accessTime) : modified;
  setTimes(place, accessed > modified ? accessed : modified, modified);
}

function toNanoseconds({ seconds, nanoseconds }: TarTime): Nanoseconds {
  return seconds < 0 ? 0n : BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}
