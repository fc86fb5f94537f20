import { constants } from "node:os";
import { findLibc } from "../../lock/fcntl.ts";
import { type ByteText, terminate, toByteText } from "./byte_text.ts";

/** Functions of libc that the runtime lacks, or offers only for names that are UTF-8. */
const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  copy_file_range: { parameters: ["i32", "buffer", "i32", "buffer", "usize", "u32"], result: "isize" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  mknodat: { parameters: ["i32", "buffer", "u32", "u64"], result: "i32" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "isize" },
  linkat: { parameters: ["i32", "buffer", "i32", "buffer", "i32"], result: "i32" },
  renameat: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
  fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  lsetxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  fsetxattr: { parameters: ["i32", "buffer", "buffer", "usize", "i32"], result: "i32" },
  lgetxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "isize" },
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  syscall: { parameters: ["i64", "i32", "buffer", "buffer", "usize"], result: "i64" },
  geteuid: { parameters: [], result: "u32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let libc: Libc | undefined;

/** Returns the functions of libc. The library is loaded on the first call and stays loaded. */
export function loadLibc(): Libc {
  return libc ??= Deno.dlopen(findLibc() ?? "libc.so.6", SYMBOLS).symbols;
}

const isArm = Deno.build.arch === "aarch64";

/** Flags of `open`, of Linux' headers. Two of them differ between x86-64 and arm64. */
export const O = {
  WRITE: 1,
  READ_WRITE: 2,
  CREATE_NEW: 0o100 | 0o200,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  DIRECTORY: isArm ? 0o40000 : 0o200000,
  NOFOLLOW: isArm ? 0o100000 : 0o400000,
} as const;

/** Types of files in a mode (inode(7)). */
export const S = {
  MASK: 0o170000,
  LINK: 0o120000,
  FILE: 0o100000,
  BLOCK: 0o060000,
  FOLDER: 0o040000,
  CHAR: 0o020000,
  FIFO: 0o010000,
} as const;

/** Descriptor that stands for the current folder, for absolute paths. */
export const AT_FDCWD = -100;
/** Flag of the `…at` functions that do not follow a link in the last component. */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** Flag of `statx` for the open file itself, with an empty name. */
export const AT_EMPTY_PATH = 0x1000;
/** Flag of `unlinkat` for folders. */
export const AT_REMOVEDIR = 0x200;

/** Names of error numbers, such as `ENOENT`. */
const ERROR_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number as number, name]),
);

/** Error of a function of libc. */
export class LibcError extends Error {
  /** Name of the error number, such as `ENOENT`. */
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

/** Returns the error number of the call that failed just before. */
function lastErrorNumber(symbols: Libc): number {
  return new Deno.UnsafePointerView(symbols.__errno_location()!).getInt32();
}

function createError(symbols: Libc, number: number): LibcError {
  const text = symbols.strerror(number);
  return new LibcError(
    ERROR_NAMES.get(number) ?? `E${number}`,
    text ? new Deno.UnsafePointerView(text).getCString() : `errno ${number}`,
  );
}

/** Returns the result of a call; throws {@linkcode LibcError} if it is negative. */
export function check(result: number | bigint): number {
  return checkUnless(result) ?? 0;
}

/**
 * Returns the result of a call; `undefined` if it is negative because of one of these errors, without the cost of an
 * error object. Throws {@linkcode LibcError} for other errors.
 */
export function checkUnless(result: number | bigint, ...codes: readonly string[]): number | undefined {
  const number = Number(result);
  if (number >= 0) return number;
  const symbols = loadLibc();
  const error = lastErrorNumber(symbols);
  if (codes.includes(ERROR_NAMES.get(error) ?? "")) return undefined;
  throw createError(symbols, error);
}

/** True if an error is a {@linkcode LibcError} with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof LibcError && codes.includes(error.code);
}

/**
 * Reads a file, such as those of `/proc`, which the runtime reads only with all permissions. One call for such a file
 * returns at most a page, whatever the size of the buffer.
 */
export function readWhole(path: string): string {
  const symbols = loadLibc();
  const fd = check(symbols.open(terminate(path), O.CLOEXEC, 0));
  try {
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    for (let at = 0, count; (count = readAt(fd, buffer, at)) > 0; at += count) {
      text += toByteText(buffer.subarray(0, count));
    }
    return text;
  } finally {
    symbols.close(fd);
  }
}

/** Reads bytes of an open file at a position, fewer than requested only at its end. */
export function readAt(fd: number, view: Uint8Array<ArrayBuffer>, position: number): number {
  const { pread } = loadLibc();
  let used = 0;
  while (used < view.length) {
    const count = check(pread(fd, view.subarray(used), BigInt(view.length - used), BigInt(position + used)));
    if (count === 0) break;
    used += count;
  }
  return used;
}

/** Writes all bytes at the current position of an open file. */
export function writeFully(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
  const { write } = loadLibc();
  let done = check(write(fd, bytes, BigInt(bytes.length)));
  while (done < bytes.length) done += check(write(fd, bytes.subarray(done), BigInt(bytes.length - done)));
}

const SYS_OPENAT2 = 437n;
const RESOLVE_NO_MAGICLINKS = 2n, RESOLVE_IN_ROOT = 16n;
const OPEN_HOW_SIZE = 24;

/**
 * Opens a file or folder below a folder, which the kernel treats as `/`: neither links nor `..` lead out of it
 * (openat2(2), `RESOLVE_IN_ROOT`).
 *
 * @param flags Flags of `open`. Default: those for a folder that is the base of other calls.
 */
export function openBelow(root: number, path: ByteText, flags: number = O.PATH | O.DIRECTORY): number {
  // `struct open_how`: flags (u64 at 0), mode (u64 at 8), resolve (u64 at 16).
  const how = new BigUint64Array([
    BigInt(flags | O.CLOEXEC),
    0n,
    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  ]);
  const struct = new Uint8Array(how.buffer);
  return check(loadLibc().syscall(SYS_OPENAT2, root, terminate(path), struct, BigInt(OPEN_HOW_SIZE)));
}
