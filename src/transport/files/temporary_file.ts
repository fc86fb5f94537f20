import { dirname, join } from "@std/path";
import { type FileContent, writeAll } from "../../internal/host/room.ts";

/** Prefix of the names of temporary files. */
const PREFIX = ".tmp-manifests-";

/** A temporary file on the same disk as its final path. Disposing removes it unless it was published. */
export interface TemporaryFile extends AsyncDisposable {
  /** Handle that is open for reading and writing. */
  readonly file: Deno.FsFile;
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
  const { path, file } = await createLocked(folder);
  let published = false;
  return {
    file,
    async publish(target) {
      if (mode !== undefined && Deno.build.os !== "windows") await Deno.chmod(path, mode);
      await file.syncData();
      await Deno.rename(path, target);
      published = true;
      await syncFolder(dirname(target));
    },
    async [Symbol.asyncDispose]() {
      // Removed before it is unlocked, so that no other run takes it for a leftover.
      if (!published) await Deno.remove(path).catch(() => {});
      file.close();
    },
  };
}

/** True if a name is that of a temporary file of this module. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(PREFIX);
}

/**
 * Replaces several files of one folder, in their order. All contents are on the disk before the first file is replaced,
 * so a full disk changes nothing. Unlike `writeAllAtomically`, its temporary files are locked: folders of images have
 * no lock that excludes other writers.
 */
export async function replaceFiles(files: readonly FileContent[], mode: number): Promise<void> {
  await using temporaries = new AsyncDisposableStack();
  const ready: (() => Promise<void>)[] = [];
  for (const { path, content } of files) {
    const temporary = temporaries.use(await createTemporaryFile(dirname(path), mode));
    await writeAll(temporary.file, content);
    await temporary.file.syncData();
    ready.push(() => temporary.publish(path));
  }
  for (const publish of ready) await publish();
}

async function createLocked(folder: string): Promise<{ path: string; file: Deno.FsFile }> {
  for (;;) {
    const path = join(folder, PREFIX + crypto.randomUUID());
    const file = await Deno.open(path, { createNew: true, read: true, write: true, mode: 0o666 });
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

async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}
