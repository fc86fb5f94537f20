import { delay } from "@std/async";
import { basename, dirname, join } from "@std/path";
import { ManifestsError } from "../../spec/room.ts";
import { canLockFcntl, type FcntlFile, openFcntlFile } from "./fcntl.ts";
import { enterQueue } from "../../internal/room.ts";

/**
 * Whom a store's locks exclude.
 *
 * - `shared`: everybody, podman and buildah too. Needs `--allow-ffi` for writing.
 * - `deno-only`: other Deno processes alone. For stores that no other tool uses.
 */
export type LockingMode = "shared" | "deno-only";

/** Options for {@linkcode lockFile}. */
export interface LockFileOptions {
  /** Whom the lock excludes. */
  mode: LockingMode;
  /** Whether nobody else may hold it; only then the file itself may be written. */
  exclusive: boolean;
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
}

/** A lock that is held, with its file. */
export interface HeldLock extends Disposable {
  /** The file. */
  readonly file: Deno.FsFile;
  /** Whether everybody who may write is kept out. */
  readonly excludesWriters: boolean;
}

/** Longest pause between two looks at a lock that somebody else has, in milliseconds; c/storage sleeps as long. */
const MAX_PAUSE = 10;

/**
 * Waits for a lock on a file, in three layers: a queue within this process, flock (which other Deno processes see),
 * fcntl (which podman and buildah see).
 *
 * @throws {ManifestsError} With code `LOCK_UNAVAILABLE` where others cannot be excluded but must be.
 */
export async function lockFile(path: string, options: LockFileOptions): Promise<HeldLock> {
  const { mode, exclusive, signal } = options;
  const fcntl = mode === "shared" && canLockFcntl();
  // Readers need no exclusion to be safe: records are replaced by renaming.
  if (mode === "shared" && exclusive && !fcntl) throw lockUnavailable(path);
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

/** One file, one queue, whatever links lead to it. The folder is made where it is missing. */
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

/** The error of a host on which podman and buildah cannot be kept out. */
function lockUnavailable(path: string): ManifestsError {
  const way = Deno.build.os === "linux"
    ? "run with --allow-ffi"
    : "use a Linux host, the only one where such stores are shared";
  return new ManifestsError(
    "LOCK_UNAVAILABLE",
    `Cannot write to the store of ${path} as podman and buildah, which may use it too, cannot be locked out: ${way}, or accept the risk with locking: "deno-only"`,
  );
}
