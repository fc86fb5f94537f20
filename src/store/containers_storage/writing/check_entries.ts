import { cannotStore } from "../layers/layer_error.ts";
import { type ByteText, cleanPath, quoteBytes, splitPath, toByteText } from "../unpack/byte_text.ts";
import { type LayerEntry, OPAQUE, WHITEOUT } from "../unpack/entries.ts";

/** Maximum user and group id of Linux. */
const MAX_ID = 0xffff_ffff;

/** Type flags of the entries that can be unpacked. */
const TYPE_FLAGS = "\x000123456";

/**
 * Finds entries of a layer that could not be stored, or not be read back: unpacked, another entry would hide them. All
 * tools assemble the archive again from the unpacked files when an image is pushed.
 */
export class EntryChecker {
  /** User ids of the entries, except whiteouts. */
  readonly uids: Set<number> = new Set();
  /** Group ids of the entries, except whiteouts. */
  readonly gids: Set<number> = new Set();
  readonly #layer: string;
  readonly #plainWhiteouts: boolean;
  /** Paths of entries. The value is true for those that other entries can be in: folders and links. */
  readonly #entries = new Map<ByteText, boolean>();
  /** Paths of the folders above entries, listed or not. */
  readonly #folders = new Set<ByteText>();

  /**
   * @param layer Digest of the layer, for messages.
   * @param plainWhiteouts True if whiteouts are stored as files.
   */
  constructor(layer: string, plainWhiteouts: boolean) {
    this.#layer = layer;
    this.#plainWhiteouts = plainWhiteouts;
  }

  /** @throws {ManifestsError} With code `LAYER_NOT_REPRODUCIBLE`, naming the entry. */
  check(entry: LayerEntry): void {
    const { header, path } = entry;
    const problem = this.#findProblem(entry);
    if (problem !== undefined) {
      throw cannotStore(this.#layer, `its entry ${quoteBytes(toByteText(header.nameBytes))} ${problem}`);
    }
    this.#entries.set(path, header.type === "dir" || header.type === "symlink");
    for (let { folder } = splitPath(path); folder !== "" && !this.#folders.has(folder);) {
      this.#folders.add(folder);
      folder = splitPath(folder).folder;
    }
    if (splitPath(path).name.startsWith(WHITEOUT)) return;
    this.uids.add(header.uid);
    this.gids.add(header.gid);
  }

  #findProblem({ header, path }: LayerEntry): string | undefined {
    if (!TYPE_FLAGS.includes(header.typeFlag) && header.typeFlag !== "S") {
      return `has the type ${JSON.stringify(header.typeFlag)}, which is not known`;
    }
    if (header.type === "other") return "is a sparse file, which cannot be read back byte for byte";
    if (path === ".." || path.startsWith("../")) return "has a name that leads out of the layer";
    if (toByteText(header.nameBytes).split("/").includes("..")) return 'has ".." in its name';
    const target = header.type === "hardlink" ? cleanPath(toByteText(header.linkNameBytes)) : "";
    if (target.split("/")[0] === "..") return "is a hard link that leads out of the layer";
    if (this.#entries.has(path)) return "occurs twice";
    if (path === "" && header.type !== "dir") return "is the top of the layer, but not a folder";
    if ([header.uid, header.gid].some((id) => id < 0 || id > MAX_ID)) return "has an owner whose id is out of range";
    return this.#findConflict(path, header.type === "dir") ??
      (this.#plainWhiteouts ? undefined : this.#findWhiteoutProblem(path, header.size));
  }

  /** Finds an earlier entry that would be lost, or below which this one cannot be. */
  #findConflict(path: ByteText, isFolder: boolean): string | undefined {
    if (!isFolder && this.#folders.has(path)) return "replaces a folder with earlier entries of the same layer";
    for (let { folder } = splitPath(path); folder !== ""; folder = splitPath(folder).folder) {
      if (this.#entries.get(folder) === false) return "is below an earlier entry that is not a folder";
      if (this.#folders.has(folder)) return undefined;
    }
    return undefined;
  }

  #findWhiteoutProblem(path: ByteText, size: number): string | undefined {
    const { folder, name } = splitPath(path);
    if (folder.split("/").some((part) => part.startsWith(WHITEOUT))) return "is below a whiteout";
    if (!name.startsWith(WHITEOUT)) return undefined;
    if (size > 0) return "is a whiteout with content";
    if (name === OPAQUE) return undefined;
    const target = name.slice(WHITEOUT.length);
    // These would remove the folder itself, or the one above it.
    if (["", ".", ".."].includes(target)) return "is a whiteout without a name";
    const removed = (folder === "" ? "" : `${folder}/`) + target;
    const isOwn = this.#entries.has(removed) || this.#folders.has(removed);
    return isOwn ? "is a whiteout of an earlier entry of the same layer" : undefined;
  }
}
