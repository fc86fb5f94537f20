import { type ByteText, terminate, toByteText } from "./byte_text.ts";
import { AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, check, hasCode, lastError, loadLibc, O, S } from "./libc.ts";

/** Place of a file or folder: the descriptor of its folder, and its name in it. A last link is never followed. */
export interface Place {
  /** File descriptor of the folder that contains it. */
  readonly fd: number;
  /** Name in that folder, without slashes. */
  readonly name: ByteText;
}

/** Point in time in nanoseconds since 1970. */
export type Nanoseconds = bigint;

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
  readonly accessed: Nanoseconds;
  /** Time of the last modification. */
  readonly modified: Nanoseconds;
}

const STATX_BASIC = 0x7ff;

/** Returns the metadata of a place; `undefined` if nothing is there. */
export function findStat({ fd, name }: Place): Stat | undefined {
  const struct = new Uint8Array(256);
  try {
    check(loadLibc().statx(fd, terminate(name), AT_SYMLINK_NOFOLLOW, STATX_BASIC, struct));
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
  const view = new DataView(struct.buffer);
  const time = (at: number) => view.getBigInt64(at, true) * 1_000_000_000n + BigInt(view.getUint32(at + 8, true));
  return {
    links: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    mode: view.getUint16(28, true),
    inode: view.getBigUint64(32, true),
    size: Number(view.getBigUint64(40, true)),
    accessed: time(64),
    modified: time(112),
    device: makeDevice(view.getUint32(128, true), view.getUint32(132, true)),
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

/** Creates a file, which must not exist, and returns its descriptor for writing. */
export function createFile({ fd, name }: Place): number {
  return check(loadLibc().openat(fd, terminate(name), O.WRITE | O.CREATE_NEW | O.NOFOLLOW | O.CLOEXEC, 0o600));
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

/** Sets the owner, also of a link itself. */
export function setOwner({ fd, name }: Place, uid: number, gid: number): void {
  check(loadLibc().fchownat(fd, terminate(name), uid, gid, AT_SYMLINK_NOFOLLOW));
}

/** Sets the permissions, of anything but a link. */
export function setMode({ fd, name }: Place, mode: number): void {
  check(loadLibc().fchmodat(fd, terminate(name), mode & 0o7777, 0));
}

/** Sets the times of access and modification. */
export function setTimes({ fd, name }: Place, accessed: Nanoseconds, modified: Nanoseconds): void {
  const parts = (time: Nanoseconds) => {
    const rest = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    return [(time - rest) / 1_000_000_000n, rest];
  };
  const times = new BigInt64Array([...parts(accessed), ...parts(modified)]);
  check(loadLibc().utimensat(fd, terminate(name), new Uint8Array(times.buffer), AT_SYMLINK_NOFOLLOW));
}

// Functions for attributes take no folder and cannot open every kind of file: the folder is named by its descriptor.
const pathOf = ({ fd, name }: Place) => terminate(name.startsWith("/") ? name : `/proc/self/fd/${fd}/${name}`);

/** Sets an extended attribute, also of a link itself. */
export function setAttribute(place: Place, name: string, value: Uint8Array): void {
  const bytes = value.length > 0 ? new Uint8Array(value) : new Uint8Array(1);
  check(loadLibc().lsetxattr(pathOf(place), terminate(name), bytes, BigInt(value.length), 0));
}

/** Reads all extended attributes; none if the disk does not support them. */
export function readAttributes(place: Place): Map<string, Uint8Array<ArrayBuffer>> {
  const libc = loadLibc();
  const path = pathOf(place);
  const attributes = new Map<string, Uint8Array<ArrayBuffer>>();
  const names = new Uint8Array(64 * 1024);
  const length = Number(libc.llistxattr(path, names, BigInt(names.length)));
  if (length < 0) {
    const error = lastError(libc);
    if (error.code === "EOPNOTSUPP" || error.code === "ENOTSUP") return attributes;
    throw error;
  }
  for (const name of toByteText(names.subarray(0, length)).split("\0").slice(0, -1)) {
    const value = new Uint8Array(64 * 1024);
    const size = check(libc.lgetxattr(path, terminate(name), value, BigInt(value.length)));
    attributes.set(name, value.slice(0, size));
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
