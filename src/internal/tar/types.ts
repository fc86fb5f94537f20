/** What an entry of a tar archive is. `other` is everything that is none of these, such as a sparse file of GNU tar. */
export type TarEntryType = "file" | "hardlink" | "symlink" | "char" | "block" | "dir" | "fifo" | "other";

/** A point in time. Before 1970 the seconds are negative; the nanoseconds (0 to 999 999 999) always count forward. */
export interface TarTime {
  /** Whole seconds since 1970, rounded down. */
  readonly seconds: number;
  /** Nanoseconds after that. */
  readonly nanoseconds: number;
}

/** An entry's header, with PAX and GNU extensions applied. */
export interface TarHeader {
  /** The name as in the archive (`./` and a trailing `/` are kept); invalid UTF-8 is replaced. */
  readonly name: string;
  /** The name's bytes. */
  readonly nameBytes: Uint8Array;
  /** What the entry is. A file of the oldest format whose name ends in `/` is a `dir`. */
  readonly type: TarEntryType;
  /** Where a link leads; empty where it is none. */
  readonly linkName: string;
  /** How many bytes of payload follow in the archive: 0 for links, folders and devices, whatever the field says. */
  readonly size: number;
  /** Permission bits, as the field says. */
  readonly mode: number;
  /** Owner. */
  readonly uid: number;
  /** Group. */
  readonly gid: number;
  /** Name of the owner; empty where there is none. */
  readonly userName: string;
  /** Name of the group; empty where there is none. */
  readonly groupName: string;
  /** Time of modification; 1970 where the field is empty. */
  readonly modTime: TarTime;
  /** Time of the last access, where it is recorded. */
  readonly accessTime: TarTime | undefined;
  /** Time of the last change, where it is recorded. */
  readonly changeTime: TarTime | undefined;
  /** Major number of a device. */
  readonly devMajor: number;
  /** Minor number of a device. */
  readonly devMinor: number;
  /** The PAX records that apply (the entry's own before global ones), raw; extended attributes are `SCHILY.xattr.*`. */
  readonly pax: ReadonlyMap<string, Uint8Array>;
}

/** What must be read after a header block. */
export type TarStep =
  /** So many bytes and their padding, to be given to `extension`; then the next block. */
  | { readonly kind: "extension"; readonly size: number }
  /** The payload of an entry, `header.size` bytes, and its padding; then the next block. */
  | { readonly kind: "entry"; readonly header: TarHeader }
  /** The next block. Two such steps in a row are the end of the archive. */
  | { readonly kind: "zero" };

/** Bytes that are no tar archive, or an archive that is broken. */
export class TarError extends Error {
  /** Error name. */
  override readonly name = "TarError";
}

/** Tar archives are made of blocks of so many bytes. */
export const TAR_BLOCK_SIZE = 512;

/** How many bytes of padding follow a payload. */
export function tarPadding(size: number): number {
  return (TAR_BLOCK_SIZE - size % TAR_BLOCK_SIZE) % TAR_BLOCK_SIZE;
}
