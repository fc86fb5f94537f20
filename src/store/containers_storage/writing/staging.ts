import { join } from "@std/path";
import { type FcntlFile, openFcntlFile } from "../../lock/fcntl.ts";
import { ignoreMissing } from "../io_errors.ts";
import { removePath } from "../unpack/remove_path.ts";

/** Folder of a driver that holds the folders in which layers are unpacked (storage `tempdir`). */
const FOLDER = "tempdirs";

/**
 * A folder on the disk of a store, in which layers are unpacked before the store has records of them. It is locked, so
 * that other programs can distinguish it from leftovers of killed programs. Disposing removes it.
 */
export class Staging implements AsyncDisposable {
  /** Path of the folder, which exists until disposal. */
  readonly path: string;
  readonly #lockPath: string;
  readonly #lock: FcntlFile;
  readonly #parent: string;

  private constructor(parent: string, id: string, lock: FcntlFile) {
    this.#parent = parent;
    this.#lockPath = join(parent, `lock-${id}`);
    this.path = join(parent, `temp-dir-${id}`);
    this.#lock = lock;
  }

  /** Creates a folder below the folder of a driver. */
  static async open(driverFolder: string): Promise<Staging> {
    const parent = join(driverFolder, FOLDER);
    for (;;) {
      const id = String(crypto.getRandomValues(new Uint32Array(1))[0]! + 1);
      const lock = await createLock(parent, join(parent, `lock-${id}`));
      if (!lock) continue;
      const staging = new Staging(parent, id, lock);
      try {
        await Deno.mkdir(staging.path, { mode: 0o700 });
      } catch (error) {
        await staging[Symbol.asyncDispose]();
        throw error;
      }
      return staging;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      removePath(this.path);
      await Deno.remove(this.#lockPath);
    } catch {
      // The image may be stored already. A later run removes what is left.
    } finally {
      this.#lock.close();
    }
    await removeIfEmpty(this.#parent);
  }
}

/** Creates a locked file; `undefined` if another program removed it before it was locked. */
async function createLock(parent: string, path: string): Promise<FcntlFile | undefined> {
  await Deno.mkdir(parent, { recursive: true, mode: 0o700 });
  try {
    (await Deno.open(path, { createNew: true, write: true, mode: 0o600 })).close();
  } catch (error) {
    // Another program removed the empty folder, or chose the same number.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.AlreadyExists) return undefined;
    await removeIfEmpty(parent);
    throw error;
  }
  const { ino } = await Deno.lstat(path).catch(() => ({ ino: null }));
  if (ino === null) return undefined;
  const lock = openFcntlFile(path, true);
  const isOurs = lock.tryLock(true) && (await Deno.lstat(path).catch(() => undefined))?.ino === ino;
  if (isOurs) return lock;
  lock.close();
  return undefined;
}

/** Removes the folders of killed programs: those whose lock nobody holds. Old tools fail if the folder is not empty. */
export async function removeDeadStagings(driverFolder: string): Promise<void> {
  const parent = join(driverFolder, FOLDER);
  const names = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(parent)) {
      const id = /^(?:temp-dir|lock)-(.+)$/.exec(name)?.[1];
      if (id !== undefined) names.add(id);
    }
  } catch (error) {
    return ignoreMissing(error);
  }
  for (const id of names) {
    const path = join(parent, `lock-${id}`);
    const lock = openFcntlFile(path, true);
    try {
      if (!lock.tryLock(true)) continue;
      removePath(join(parent, `temp-dir-${id}`));
      await Deno.remove(path).catch(ignoreMissing);
    } finally {
      lock.close();
    }
  }
  await removeIfEmpty(parent);
}

async function removeIfEmpty(path: string): Promise<void> {
  // A folder that is not empty stays: other programs are using it.
  await Deno.remove(path).catch(() => {});
}
