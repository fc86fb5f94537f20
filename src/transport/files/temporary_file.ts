import { dirname, join } from "@std/path";
import { type FileContent, writeAll } from "../../internal/host/room.ts";

/** What the names of temporary files begin with. */
const PREFIX = ".tmp-manifests-";

/** A temporary file on the disk of the file that it will become. Disposing removes it unless it was published. */
export interface TemporaryFile extends AsyncDisposable {
  /** The file, open for reading and writing. */
  readonly file: Deno.FsFile;
  /** Puts it where it belongs, safely on the disk. */
  publish(path: string): Promise<void>;
}

/**
 * Makes a temporary file in a folder. It is locked as long as it is in use, by which {@linkcode removeDeadFiles} tells
 * leftovers of a dead run from what another run is writing.
 *
 * @param mode Permissions; default: those of a new file.
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
      // Removed while it is locked, so that nobody else takes it for dead and removes what has its name next.
      if (!published) await Deno.remove(path).catch(() => {});
      file.close();
    },
  };
}

/** Whether a file's name is that of a temporary file of ours. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(PREFIX);
}

/**
 * Replaces several files of one folder, in their order. Everything is on the disk before the first file is replaced, so
 * a disk that is full leaves all of them as they were.
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
    // Between these two lines another run may have taken the file for dead.
    if (await file.tryLock(true) && await isStillThere(path)) return { path, file };
    file.close();
  }
}

async function isStillThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/**
 * Removes temporary files that nobody has locked. One that cannot be looked at is left to others. It lists the folder,
 * which may have thousands of files: writers call it once, and not for each file.
 */
export async function removeDeadFiles(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !isTemporaryName(name)) continue;
    const path = join(folder, name);
    try {
      using file = await Deno.open(path, { read: true, write: true });
      if (await file.tryLock(true)) await Deno.remove(path);
    } catch {
      // Gone, or somebody else's.
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}
