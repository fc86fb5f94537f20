import { loadLibc } from "../../src/store/containers_storage/unpack/libc.ts";

/** Functions of the runtime that change the disk. */
const RUNTIME = ["open", "rename", "mkdir", "remove", "chmod", "symlink", "writeTextFile", "makeTempFile"] as const;
const FILE = ["write", "syncData", "sync"] as const;
/** Functions of libc that change the disk. */
const LIBC = [
  "mkdirat",
  "mknodat",
  "symlinkat",
  "linkat",
  "unlinkat",
  "renameat",
  "openat",
  "fchown",
  "fchmod",
  "futimens",
  "fsetxattr",
  "fchownat",
  "fchmodat",
  "utimensat",
  "lsetxattr",
  "copy_file_range",
  "write",
] as const;

/** The error of every change after the death. */
export class Death extends Error {}

type Functions = Record<string, (...args: unknown[]) => unknown>;

/**
 * Runs `work` until a step that changes the disk: this and all later ones fail, as for a process that was killed there.
 * Its locks are released when it ends. With `once`, only this step fails, as on a disk that is full for a moment.
 *
 * @returns The number of steps before the end, and whether `work` succeeded.
 */
export async function runUntilDeath(
  step: number,
  work: () => Promise<unknown>,
  error: () => Error = () => new Death("the test kills the process"),
  once = false,
): Promise<{ steps: number; isDone: boolean }> {
  let steps = 0;
  const count = () => {
    const now = ++steps;
    if (now === step || (now > step && !once)) throw error();
  };
  const restore: (() => void)[] = [];
  const patch = (owner: Functions, names: readonly string[], isSync: boolean) => {
    for (const name of names) {
      const original = owner[name]!;
      restore.push(() => owner[name] = original);
      owner[name] = function (this: unknown, ...args: unknown[]) {
        if (isSync) count();
        else {
          try {
            count();
          } catch (error) {
            return Promise.reject(error);
          }
        }
        return original.apply(this, args);
      };
    }
  };
  patch(Deno as unknown as Functions, RUNTIME, false);
  patch(Deno.FsFile.prototype as unknown as Functions, FILE, false);
  patch(loadLibc() as unknown as Functions, LIBC, true);
  try {
    await work();
    return { steps, isDone: true };
  } catch {
    return { steps, isDone: false };
  } finally {
    for (const undo of restore.reverse()) undo();
  }
}
