import { constants } from "node:fs";
import { findLibc } from "../../lock/fcntl.ts";

/** Constants of Linux' headers, equal on x86-64 and arm64. */
const O_CLOEXEC = 0o2000000, O_PATH = 0o10000000;
const SYS_OPENAT2 = 437n;
const RESOLVE_NO_MAGICLINKS = 2n, RESOLVE_IN_ROOT = 16n;
const FAILED = -1;

/** `O_NOFOLLOW` differs between the two. It matters for security, so the value does not rely on `node:fs` alone. */
const LINUX_O_NOFOLLOW = Deno.build.arch === "aarch64" ? 0o100000 : 0o400000;
const O_NOFOLLOW = Deno.build.os === "linux" ? LINUX_O_NOFOLLOW : constants.O_NOFOLLOW ?? 0;

/** Flags for opening a file: it must not be a link, and opening a pipe must not wait for a writer. */
export const OPEN_FLAGS: number = constants.O_RDONLY | O_NOFOLLOW | (constants.O_NONBLOCK ?? 0);

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  syscall: { parameters: ["i64", "i32", "buffer", "buffer", "usize"], result: "i64" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** An open file that is read from its beginning to its end. Disposing closes it. */
export interface OpenFile extends Disposable {
  /** Reads up to `view.length` bytes and returns how many; 0 at the end. Small views are filled at once. */
  read(view: Uint8Array<ArrayBuffer>): number | Promise<number>;
}

let libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] | undefined;

/** True if {@linkcode openRawFile} can work: on Linux, with `--allow-ffi`. */
export function canOpenRawFiles(): boolean {
  return findLibc() !== undefined;
}

/**
 * Opens a file whose name is not UTF-8, which the runtime's own functions cannot express. The kernel treats the folder
 * as `/`, so neither links nor `..` lead out of it (openat2(2), `RESOLVE_IN_ROOT`). Returns `undefined` if the file
 * cannot be opened.
 */
export function openRawFile(folder: string, name: Uint8Array<ArrayBuffer>): OpenFile | undefined {
  const symbols = libc ??= Deno.dlopen(findLibc() ?? "libc.so.6", SYMBOLS).symbols;
  const root = symbols.open(terminated(new TextEncoder().encode(folder)), O_PATH | O_CLOEXEC);
  if (root === FAILED) return undefined;
  const file = Number(symbols.syscall(SYS_OPENAT2, root, terminated(name), openHow(), BigInt(OPEN_HOW_SIZE)));
  symbols.close(root);
  if (file === FAILED) return undefined;
  return {
    read(view) {
      const count = Number(symbols.read(file, view, BigInt(view.length)));
      if (count === FAILED) throw new Error("the file cannot be read");
      return count;
    },
    [Symbol.dispose]: () => void symbols.close(file),
  };
}

function terminated(path: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(path.length + 1);
  bytes.set(path);
  return bytes;
}

const OPEN_HOW_SIZE = 24;

/** Returns a `struct open_how`: flags (u64 at 0), mode (u64 at 8), resolve (u64 at 16). */
function openHow(): Uint8Array<ArrayBuffer> {
  const struct = new Uint8Array(OPEN_HOW_SIZE);
  const view = new DataView(struct.buffer);
  view.setBigUint64(0, BigInt(OPEN_FLAGS | O_CLOEXEC), true);
  view.setBigUint64(16, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, true);
  return struct;
}
