import { delay } from "@std/async";
import { basename, dirname, join } from "@std/path";
import { ManifestsError } from "../../spec/room.ts";
import { canLockFcntl, type FcntlFile, openFcntlFile } from "./fcntl.ts";
import { enterQueue } from "../../internal/room.ts";

/**
 * Which programs the locks of a store exclude.
 *
 * - `shared`: all of them, also podman and buildah. Writing requires `--allow-ffi`.
 * - `deno-only`: only other Deno processes. For stores that no other tool uses.
 */
export type LockingMode = "shared" | "deno-only";

/** Options for {@linkcode lockFile}. */
export interface LockFileOptions {
  /** Which programs the lock excludes. */
  mode: LockingMode;
  /** True for a lock that only one holder can have, which is required to write the file; false for a shared lock. */
  exclusive: boolean;
  /** Location of the store, for errors. Default: the path of the lock file. */
  store?: string | undefined;
  /** Aborts waiting for the lock. Default: waiting is not aborted. */
  signal?: AbortSignal | undefined;
}

/** A lock that is held. Disposing releases it and closes its file. */
export interface HeldLock extends Disposable {
  /** Open lock file, writable if the lock is exclusive. */
  readonly file: Deno.FsFile;
  /** True if every program that may write the store is excluded. */
  readonly excludesWriters: boolean;
}

/** Longest pause in milliseconds between two attempts to take a lock; containers/storage sleeps as long. */
const MAX_PAUSE = 10;

/**
 * Waits for a lock on a file. It consists of three: a queue in this process, a flock against other Deno processes, and
 * an fcntl lock against podman and buildah.
 *
 * @throws {ManifestsError} With code `LOCK_UNAVAILABLE` if podman and buildah must be excluded but cannot be;
 * `STORE_IO` if the lock file cannot be opened for the fcntl lock.
 */
export async function lockFile(path: string, options: LockFileOptions): Promise<HeldLock> {
  const { mode, exclusive, signal } = options;
  const fcntl = mode === "shared" && canLockFcntl();
  // A reader is safe without the fcntl lock: writers replace the records by renaming a file.
  if (mode === "shared" && exclusive && !fcntl) throw lockUnavailable(options.store ?? path);
  const place = await enterQueue(await canonicalPath(path, exclusive), exclusive, signal);
  let file: Deno.FsFile | undefined;
  let record: FcntlFile | undefined;
  const release = () => {
    record?.close();
    file?.close();
    place[Symbol.dispose]();
  };
  try {
    file = await openLockFile(path, exclusive);
    record = fcntl ? openFcntlFile(path, exclusive) : undefined;
    await poll(() => file!.tryLock(exclusive), signal);
    if (record) await poll(() => Promise.resolve(record!.tryLock(exclusive)), signal);
  } catch (error) {
    release();
    throw error;
  }
  return { file, excludesWriters: mode === "deno-only" || fcntl, [Symbol.dispose]: release };
}

/**
 * Resolves the links in a path, so that a file has one queue however it is named. Creates the folder for a writer if it
 * does not exist.
 */
async function canonicalPath(path: string, writable: boolean): Promise<string> {
  const folder = dirname(path);
  try {
    return join(await Deno.realPath(folder), basename(path));
  } catch (error) {
    if (!writable || !(error instanceof Deno.errors.NotFound)) throw error;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    return join(await Deno.realPath(folder), basename(path));
  }
}

async function openLockFile(path: string, writable: boolean): Promise<Deno.FsFile> {
  if (writable) return await Deno.open(path, { read: true, write: true, create: true, mode: 0o644 });
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return await Deno.open(path, { read: true, write: true, create: true, mode: 0o644 });
  }
}

async function poll(attempt: () => Promise<boolean>, signal?: AbortSignal): Promise<void> {
  for (let pause = 0.5; !await attempt(); pause = Math.min(pause * 2, MAX_PAUSE)) {
    await delay(pause, signal ? { signal } : {});
  }
}

/** Creates the error for a host on which podman and buildah cannot be locked out. */
function lockUnavailable(store: string): ManifestsError {
  const advice = Deno.build.os === "linux"
    ? "run with --allow-ffi"
    : "use a Linux host, since only there podman and buildah share such stores";
  return new ManifestsError(
    "LOCK_UNAVAILABLE",
    `Cannot write to the store ${store}: podman and buildah, which may use it too, cannot be locked out: ${advice}, or accept the risk with locking: "deno-only"`,
  );
}
