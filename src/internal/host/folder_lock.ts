import { delay } from "@std/async";

/** Longest pause between two looks at a lock that somebody else has, in milliseconds. */
const MAX_PAUSE = 10;

/**
 * Locks a folder against other Deno processes, and other callers in this one; `undefined` where somebody else has the
 * lock. The folder itself is what is locked: files in it may be replaced meanwhile, and no lock file is left in it.
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
