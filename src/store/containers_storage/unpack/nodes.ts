import { type ByteText, terminate, toByteText } from "./byte_text.ts";
import { AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, check, checkUnless, loadLibc, O, S } from "./libc.ts";

/** Place of a file or folder: the descriptor of its folder, and its name in it. A last link is never followed. */
export interface Place {
  /** File descriptor of the folder that contains it. */
  readonly fd: number;
  /** Name in that folder, without slashes. */
  readonly name: ByteText;
}

/** Descriptor of an open file. Calls with it are cheaper than with the place of the file. */
export type OpenFile = number;

/** Point in time; before 1970, the seconds are negative. */
export interface Time {
  /** Whole seconds since 1970, rounded down. */
  readonly seconds: number;
  /** Nanoseconds to add to the seconds. */
  readonly nanoseconds: number;
}

/** Metadata of a file or folder (statx(2)). */
export interface Stat {
  /** Type and permissions, as in inode(7). */
  readonly mode: number;
  /** User id of the owner. */
  readonly uid: number;
  /** Group id of the owner. */
  readonly gid: number;
  /** Identifies the file on its disk. */
  readonly inode: bigint;
  /** Number of names of the file (hard links). */
  readonly links: number;
  /** Size of the content in bytes. */
  readonly size: number;
  /** Number of the device, for devices. */
  readonly device: bigint;
  /** Time of the last access. */
  readonly accessed: Time;
  /** Time of the last modification. */
  readonly modified: Time;
}

const STATX_BASIC = 0x7ff;

/** Memory for the result of `statx`, which is read before the next call. */
const STATX = new DataView(new ArrayBuffer(256));
const EMPTY_NAME = terminate("");

/** Returns the metadata of a file; `undefined` if nothing is there. */
export function findStat(target: Place | OpenFile): Stat | undefined {
  const { statx } = loadLibc();
  const struct = new Uint8Array(STATX.buffer);
  const result = typeof target === "number"
    ? statx(target, EMPTY_NAME, AT_EMPTY_PATH, STATX_BASIC, struct)
    : statx(target.fd, terminate(target.name), AT_SYMLINK_NOFOLLOW, STATX_BASIC, struct);
  if (checkUnless(result, "ENOENT", "ENOTDIR") === undefined) return undefined;
  const time = (at: number) => ({
    seconds: Number(STATX.getBigInt64(at, true)),
    nanoseconds: STATX.getUint32(at + 8, true),
  });
  return {
    links: STATX.getUint32(16, true),
    uid: STATX.getUint32(20, true),
    gid: STATX.getUint32(24, true),
    mode: STATX.getUint16(28, true),
    inode: STATX.getBigUint64(32, true),
    size: Number(STATX.getBigUint64(40, true)),
    accessed: time(64),
    modified: time(112),
    device: makeDevice(STATX.getUint32(128, true), STATX.getUint32(132, true)),
  };
}

/** True if a mode is that of a file type. */
export function isType({ mode }: Pick<Stat, "mode">, type: number): boolean {
  return (mode & S.MASK) === type;
}

/** Returns the number of a device (makedev(3)). */
export function makeDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}

/** Opens a folder for listing or as the base of further calls. */
export function openFolder({ fd, name }: Place): number {
  return check(loadLibc().openat(fd, terminate(name), O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC, 0));
}

/** Creates a file and returns its descriptor for writing; `undefined` if the name is in use. */
export function createFile({ fd, name }: Place): OpenFile | undefined {
  const flags = O.WRITE | O.CREATE_NEW | O.NOFOLLOW | O.CLOEXEC;
  return checkUnless(loadLibc().openat(fd, terminate(name), flags, 0o600), "EEXIST");
}

/** Creates a folder, whose permissions the umask restricts. */
export function makeFolder({ fd, name }: Place, mode: number): void {
  check(loadLibc().mkdirat(fd, terminate(name), mode));
}

/** Creates a device, a pipe, a socket or an empty file. The umask applies to its permissions. */
export function makeNode({ fd, name }: Place, mode: number, device: bigint): void {
  check(loadLibc().mknodat(fd, terminate(name), mode, device));
}

/** Creates a link with any text as its target. */
export function makeLink({ fd, name }: Place, target: ByteText): void {
  check(loadLibc().symlinkat(terminate(target), fd, terminate(name)));
}

/** Returns the target of a link. */
export function readLink({ fd, name }: Place): ByteText {
  const target = new Uint8Array(4096);
  return toByteText(target.subarray(0, check(loadLibc().readlinkat(fd, terminate(name), target, 4096n))));
}

/** Gives a file a second name. */
export function addName(target: Place, { fd, name }: Place): void {
  check(loadLibc().linkat(target.fd, terminate(target.name), fd, terminate(name), 0));
}

/** Moves a file to another place on the same disk; a file there is replaced. */
export function moveFile(from: Place, to: Place): void {
  check(loadLibc().renameat(from.fd, terminate(from.name), to.fd, terminate(to.name)));
}

/** Sets the owner, also of a link itself. */
export function setOwner(target: Place | OpenFile, uid: number, gid: number): void {
  const { fchown, fchownat } = loadLibc();
  if (typeof target === "number") return void check(fchown(target, uid, gid));
  check(fchownat(target.fd, terminate(target.name), uid, gid, AT_SYMLINK_NOFOLLOW));
}

/** Sets the permissions, of anything but a link. */
export function setMode(target: Place | OpenFile, mode: number): void {
  const { fchmod, fchmodat } = loadLibc();
  if (typeof target === "number") return void check(fchmod(target, mode & 0o7777));
  check(fchmodat(target.fd, terminate(target.name), mode & 0o7777, 0));
}

/** Sets the times of access and modification. */
export function setTimes(target: Place | OpenFile, accessed: Time, modified: Time): void {
  const { futimens, utimensat } = loadLibc();
  const times = [accessed, modified].flatMap(({ seconds, nanoseconds }) => [BigInt(seconds), BigInt(nanoseconds)]);
  const struct = new Uint8Array(new BigInt64Array(times).buffer);
  if (typeof target === "number") return void check(futimens(target, struct));
  check(utimensat(target.fd, terminate(target.name), struct, AT_SYMLINK_NOFOLLOW));
}

// Functions for attributes take no folder and cannot open every kind of file: the folder is named by its descriptor.
const pathOf = ({ fd, name }: Place) => terminate(name.startsWith("/") ? name : `/proc/self/fd/${fd}/${name}`);

/** Sets an extended attribute, also of a link itself. */
export function setAttribute(target: Place | OpenFile, name: string, value: Uint8Array): void {
  const { fsetxattr, lsetxattr } = loadLibc();
  const bytes = value.length > 0 ? new Uint8Array(value) : new Uint8Array(1);
  const rest = [terminate(name), bytes, BigInt(value.length), 0] as const;
  check(typeof target === "number" ? fsetxattr(target, ...rest) : lsetxattr(pathOf(target), ...rest));
}

/** Memory for the names and the value of attributes, whose maximum size is 64 KiB (xattr(7)). */
const NAMES = new Uint8Array(64 * 1024), VALUE = new Uint8Array(64 * 1024);

/** Reads all extended attributes; none if the disk does not support them. */
export function readAttributes(place: Place): Map<string, Uint8Array<ArrayBuffer>> {
  const libc = loadLibc();
  const path = pathOf(place);
  const attributes = new Map<string, Uint8Array<ArrayBuffer>>();
  const length = checkUnless(libc.llistxattr(path, NAMES, BigInt(NAMES.length)), "EOPNOTSUPP", "ENOTSUP");
  if (length === undefined) return attributes;
  for (const name of toByteText(NAMES.subarray(0, length)).split("\0").slice(0, -1)) {
    const size = check(libc.lgetxattr(path, terminate(name), VALUE, BigInt(VALUE.length)));
    attributes.set(name, VALUE.slice(0, size));
  }
  return attributes;
}

/** Returns the names in a folder that {@linkcode openFolder} opened, except `.` and `..`. */
export function listNames(fd: number): ByteText[] {
  const libc = loadLibc();
  const buffer = new Uint8Array(64 * 1024);
  const view = new DataView(buffer.buffer);
  const names: ByteText[] = [];
  for (;;) {
    const count = check(libc.getdents64(fd, buffer, BigInt(buffer.length)));
    if (count === 0) return names;
    // `struct linux_dirent64`: length of the entry (u16 at 16), name (at 19, ended by a NUL).
    for (let at = 0; at < count; at += view.getUint16(at + 16, true)) {
      const name = toByteText(buffer.subarray(at + 19, buffer.indexOf(0, at + 19)));
      if (name !== "." && name !== "..") names.push(name);
    }
  }
}

/** Removes a file, or a folder with its content. Nothing there is not an error. Calls `onRemove` before each removal. */
export function removeAll(place: Place, onRemove?: (place: Place) => void): void {
  const libc = loadLibc();
  const found = findStat(place);
  if (!found) return;
  onRemove?.(place);
  if (isType(found, S.FOLDER)) {
    const fd = openFolder(place);
    try {
      for (const name of listNames(fd)) removeAll({ fd, name }, onRemove);
    } finally {
      libc.close(fd);
    }
  }
  check(libc.unlinkat(place.fd, terminate(place.name), isType(found, S.FOLDER) ? AT_REMOVEDIR : 0));
}
