import { ManifestsError } from "../../spec/room.ts";

/** Constants of Linux' `fcntl.h` and `errno.h`, equal on x86-64 and arm64. */
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

/**
 * Paths of libc, for users who grant `--allow-ffi` only for that file: Deno resolves a bare name in the current folder.
 */
const LIBRARIES = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
];

let libc: Libc | undefined;

/**
 * Finds the C library that this process may load. Returns `undefined` if there is none. Never prompts for permission.
 */
export function findLibc(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") return "libc.so.6";
  return LIBRARIES.find((path) => Deno.permissions.querySync({ name: "ffi", path }).state === "granted");
}

/** True if fcntl locks can be taken: on Linux, with `--allow-ffi`. */
export function canLockFcntl(): boolean {
  return libc !== undefined || findLibc() !== undefined;
}

// The library stays loaded, because locks that are held need it.
function loadLibc(): Libc {
  const library = findLibc() ?? "libc.so.6";
  try {
    return libc ??= Deno.dlopen(library, SYMBOLS).symbols;
  } catch (cause) {
    throw new ManifestsError("LOCK_UNAVAILABLE", `Cannot load ${library}: ${(cause as Error).message}`, { cause });
  }
}

/** Returns errno of the last call. It is valid only directly after a synchronous call that failed. */
function errno(symbols: Libc): number {
  return new Deno.UnsafePointerView(symbols.__errno_location()!).getInt32();
}

/** An open file that can be locked with an open-file-description lock. */
export interface FcntlFile {
  /** Takes the lock if no other program has it. Returns true if the lock was taken. */
  tryLock(exclusive: boolean): boolean;
  /** Closes the file, which releases the lock. */
  close(): void;
}

/**
 * Opens a file for locking, and creates it if it does not exist. Open-file-description locks conflict with the classic
 * record locks of podman and buildah, but unlike those they are not lost when this process closes another descriptor of
 * the file (fcntl(2), "Open file description locks").
 */
export function openFcntlFile(path: string, writable: boolean): FcntlFile {
  const symbols = loadLibc();
  const flags = (writable ? O_RDWR : O_RDONLY) | O_CREAT | O_CLOEXEC;
  const fd = symbols.open(new TextEncoder().encode(`${path}\0`), flags, 0o644);
  if (fd < 0) throw new ManifestsError("STORE_IO", `Cannot open lock file ${path}: errno ${errno(symbols)}`);
  return {
    tryLock(exclusive) {
      if (symbols.fcntl(fd, F_OFD_SETLK, encodeFlock(exclusive)) === 0) return true;
      const reason = errno(symbols);
      if (reason === EAGAIN || reason === EACCES || reason === EINTR) return false;
      throw new ManifestsError("LOCK_UNAVAILABLE", `Cannot lock ${path} with fcntl: errno ${reason}`);
    },
    close: () => void symbols.close(fd),
  };
}

/**
 * Returns a `struct flock` of 64-bit Linux for the whole file: type (i16 at 0), whence (i16 at 2), start (i64 at 8),
 * length (i64 at 16; 0 means to the end), pid (i32 at 24; must be 0).
 */
function encodeFlock(exclusive: boolean): Uint8Array<ArrayBuffer> {
  const struct = new Uint8Array(32);
  new DataView(struct.buffer).setInt16(0, exclusive ? F_WRLCK : F_RDLCK, true);
  return struct;
}
