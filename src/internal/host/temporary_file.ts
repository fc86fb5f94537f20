import { dirname, join } from "@std/path";

/** Prefix of the names of temporary files. */
const PREFIX = ".tmp-manifests-";

/** A temporary file on the same disk as its final path. Disposing removes it unless it was renamed. */
export interface TemporaryFile extends AsyncDisposable {
  /** Handle that is open for reading and writing. */
  readonly file: Deno.FsFile;
  /** Sets the permissions of the file and writes its content to the disk. */
  sync(): Promise<void>;
  /** Renames the file to its final path. The caller has synced it, and syncs the folder. */
  rename(path: string): Promise<void>;
  /** Syncs the file, renames it to its final path and syncs the folder. */
  publish(path: string): Promise<void>;
}

/**
 * Creates a temporary file in a folder. The file stays locked while it is in use, so that {@linkcode removeDeadFiles}
 * can tell leftovers of killed runs from files that another run is writing.
 *
 * @param mode Permissions of the published file. If `undefined`, those of a new file.
 */
export async function createTemporaryFile(folder: string, mode: number | undefined): Promise<TemporaryFile> {
  const { path, file } = await createLocked(folder, mode ?? 0o666);
  let isRenamed = false;
  const sync = async () => {
    // The umask may have removed permissions when the file was created.
    if (mode !== undefined && Deno.build.os !== "windows") await Deno.chmod(path, mode);
    await file.syncData();
  };
  const rename = async (target: string) => {
    await Deno.rename(path, target);
    isRenamed = true;
  };
  return {
    file,
    sync,
    rename,
    async publish(target) {
      await sync();
      await rename(target);
      await syncFolder(dirname(target));
    },
    async [Symbol.asyncDispose]() {
      // Removed before it is unlocked, so that no other run takes it for a leftover.
      if (!isRenamed) await Deno.remove(path).catch(() => {});
      file.close();
    },
  };
}

/** True if a name is that of a temporary file of this module. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(PREFIX);
}

async function createLocked(folder: string, mode: number): Promise<{ path: string; file: Deno.FsFile }> {
  for (;;) {
    const path = join(folder, PREFIX + crypto.randomUUID());
    const file = await Deno.open(path, { createNew: true, read: true, write: true, mode });
    // Between creating and locking, another run may have removed the file as a leftover.
    if (await file.tryLock(true) && await stillExists(path)) return { path, file };
    file.close();
  }
}

async function stillExists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * Removes temporary files that no run has locked; files that cannot be opened are skipped. This lists the folder, which
 * may have thousands of files, so writers call it once and not for each file.
 */
export async function removeDeadFiles(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !isTemporaryName(name)) continue;
    const path = join(folder, name);
    try {
      using file = await Deno.open(path, { read: true, write: true });
      if (await file.tryLock(true)) await Deno.remove(path);
    } catch {
      // Removed in between, or not writable by this user.
    }
  }
}

/** Syncs a folder, so that a rename in it survives a crash of the system. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}
