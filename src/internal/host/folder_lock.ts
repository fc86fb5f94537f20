import { delay } from "@std/async";

/** Maximum pause between two attempts to lock a folder that is locked, in milliseconds. */
const MAX_PAUSE = 10;

/**
 * Locks a folder against other Deno processes and other callers in this process; `undefined` if it is already locked.
 * The lock is on the folder itself: files in it may be replaced while it is held, and no lock file is left over.
 */
export async function tryLockFolder(path: string): Promise<Disposable | undefined> {
  const folder = await Deno.open(path);
  try {
    if (await folder.tryLock(true)) return folder;
  } catch (error) {
    folder.close();
    throw error;
  }
  folder.close();
  return undefined;
}

/** Waits for the lock of {@linkcode tryLockFolder}. Rejects with `signal.reason` on abort. */
export async function lockFolder(path: string, signal?: AbortSignal): Promise<Disposable> {
  for (let pause = 0.5;; pause = Math.min(pause * 2, MAX_PAUSE)) {
    signal?.throwIfAborted();
    const lock = await tryLockFolder(path);
    if (lock) return lock;
    await delay(pause, signal ? { signal } : {});
  }
}
