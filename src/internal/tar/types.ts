/** Kind of an entry in a tar archive. `other` is any other kind, such as a sparse file of GNU tar. */
export type TarEntryType = "file" | "hardlink" | "symlink" | "char" | "block" | "dir" | "fifo" | "other";

/** Point in time. Before 1970 the seconds are negative; nanoseconds (0 to 999 999 999) are always added. */
export interface TarTime {
  /** Whole seconds since 1970, rounded down. */
  readonly seconds: number;
  /** Nanoseconds to add to the seconds. */
  readonly nanoseconds: number;
}

/** Header of an entry, with PAX and GNU extensions applied. */
export interface TarHeader {
  /** Name as in the archive (`./` and a trailing `/` are kept); invalid UTF-8 is replaced. */
  readonly name: string;
  /** Name as in the archive, as bytes. */
  readonly nameBytes: Uint8Array;
  /** Kind of the entry. A file of the oldest format whose name ends with `/` is a `dir`. */
  readonly type: TarEntryType;
  /** Type flag of the header block: one character, such as `0` for a file. */
  readonly typeFlag: string;
  /** Target of a link; empty for other entries. */
  readonly linkName: string;
  /** Target of a link, as bytes. */
  readonly linkNameBytes: Uint8Array;
  /** Size of the payload in the archive, in bytes; 0 for links, folders and devices, regardless of the field. */
  readonly size: number;
  /** Permission bits, as in the field. */
  readonly mode: number;
  /** User id of the owner. */
  readonly uid: number;
  /** Group id of the owner. */
  readonly gid: number;
  /** User name of the owner; empty if it is missing. */
  readonly userName: string;
  /** Group name of the owner; empty if it is missing. */
  readonly groupName: string;
  /** Modification time; 1970 if the field is empty. */
  readonly modTime: TarTime;
  /** Time of the last access; `undefined` if it is not recorded. */
  readonly accessTime: TarTime | undefined;
  /** Time of the last status change; `undefined` if it is not recorded. */
  readonly changeTime: TarTime | undefined;
  /** Major number of a device; 0 for other entries. */
  readonly devMajor: number;
  /** Minor number of a device; 0 for other entries. */
  readonly devMinor: number;
  /** Raw PAX records that apply; those of the entry override global ones. Extended attributes are `SCHILY.xattr.*`. */
  readonly pax: ReadonlyMap<string, Uint8Array>;
}

/** Content to read after a header block. */
export type TarStep =
  /** `size` bytes, to pass to `extension`, and their padding; then the next block. */
  | { readonly kind: "extension"; readonly size: number }
  /** The payload of an entry, `header.size` bytes, and its padding; then the next block. */
  | { readonly kind: "entry"; readonly header: TarHeader }
  /** The next block. Two such steps in a row mean the end of the archive. */
  | { readonly kind: "zero" };

/** Error for bytes that are not a tar archive, or for a corrupt archive. */
export class TarError extends Error {
  /** Name of the error class. */
  override readonly name = "TarError";
}

/** Size of the blocks of a tar archive, in bytes. */
export const TAR_BLOCK_SIZE = 512;

/** Returns the size of the padding after a payload, in bytes. */
export function tarPadding(size: number): number {
  return (TAR_BLOCK_SIZE - size % TAR_BLOCK_SIZE) % TAR_BLOCK_SIZE;
}
