import { ManifestsError } from "../../spec/room.ts";

/** Values of Linux' `fcntl.h`, the same on x86-64 and arm64. */
const O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0o100, O_CLOEXEC = 0o2000000;
const F_OFD_SETLK = 37;
const F_RDLCK = 0, F_WRLCK = 1;
const EINTR = 4, EAGAIN = 11, EACCES = 13;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** Where libc is, for who grants exactly that file: its name alone would be looked for in the current folder. */
const LIBRARIES = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
];

let libc: Libc | undefined;

/** The C library that may be loaded, or `undefined`. Never prompts. */
export function findLibc(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") return "libc.so.6";
  return LIBRARIES.find((path) => Deno.permissions.querySync({ name: "ffi", path }).state === "granted");
}

/** Whether fcntl locks can be taken: on Linux, with `--allow-ffi`. */
export function canLockFcntl(): boolean {
  return libc !== undefined || findLibc() !== undefined;
}

// Loaded once and kept: closing the library would pull it away under locks that are held.
function loadLibc(): Libc {
  const library = findLibc() ?? "libc.so.6";
  try {
    return libc ??= Deno.dlopen(library, SYMBOLS).symbols;
  } catch (cause) {
    throw new ManifestsError("LOCK_UNAVAILABLE", `Cannot load ${library}: ${(cause as Error).message}`, { cause });
  }
}

/** errno of the call before; valid only directly after a synchronous call that failed. */
function errno(symbols: Libc): number {
  return new Deno.UnsafePointerView(symbols.__errno_location()!).getInt32();
}

/** An open file that can be locked with open-file-description locks. */
export interface FcntlFile {
  /** Takes the lock if nobody else has it, and says whether that worked. */
  tryLock(exclusive: boolean): boolean;
  /** Closes the file, which gives the lock back. */
  close(): void;
}

/**
 * Opens a file for locking, and makes it where it is missing. Open-file-description locks exclude the classic record
 * locks of podman and buildah and are excluded by them, but unlike those they are not lost when another descriptor of
 * the file is closed in this process.
 */
export function openFcntlFile(path: string, writable: boolean): FcntlFile {
  const symbols = loadLibc();
  const flags = (writable ? O_RDWR : O_RDONLY) | O_CREAT | O_CLOEXEC;
  const fd = symbols.open(new TextEncoder().encode(`${path}\0`), flags, 0o644);
  if (fd < 0) throw new ManifestsError("STORE_IO", `Cannot open lock file ${path}: errno ${errno(symbols)}`);
  return {
    tryLock(exclusive) {
      if (symbols.fcntl(fd, F_OFD_SETLK, lockOfWholeFile(exclusive)) === 0) return true;
      const reason = errno(symbols);
      if (reason === EAGAIN || reason === EACCES || reason === EINTR) return false;
      throw new ManifestsError("LOCK_UNAVAILABLE", `Cannot lock ${path} with fcntl: errno ${reason}`);
    },
    close: () => void symbols.close(fd),
  };
}

/** `struct flock` of 64-bit Linux: type (i16 at 0), whence (i16 at 2), start (i64 at 8), length (i64 at 16), pid (i32 at 24). */
function lockOfWholeFile(exclusive: boolean): Uint8Array<ArrayBuffer> {
  const struct = new Uint8Array(32);
  new DataView(struct.buffer).setInt16(0, exclusive ? F_WRLCK : F_RDLCK, true);
  return struct;
}
