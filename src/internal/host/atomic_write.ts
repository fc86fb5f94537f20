import { basename, dirname, join } from "@std/path";

/**
 * Replaces a file's content atomically: readers, and a system that restarts after a crash, see the old content or the
 * new content. The content is written to a temporary file in the same folder and synced; the temporary file is renamed
 * over the old file, and the folder is synced. If a step fails, the temporary file is removed.
 *
 * @param mode Permissions of the file. Default: `0o600`.
 */
export async function writeAtomically(path: string, content: Uint8Array, mode = 0o600): Promise<void> {
  await writeAllAtomically([{ path, content }], mode);
}

/** File to write, with its content. */
export interface FileContent {
  /** Path of the file to replace or create. */
  readonly path: string;
  /** Bytes that replace the content of the file. */
  readonly content: Uint8Array;
}

/**
 * Replaces several files of one folder, in the given order. All content is on the disk before the first file is replaced,
 * so that a full disk leaves all files unchanged.
 *
 * @param mode Permissions of the files. Default: `0o600`.
 */
export async function writeAllAtomically(files: readonly FileContent[], mode = 0o600): Promise<void> {
  const temporaries: string[] = [];
  try {
    for (const { path, content } of files) temporaries.push(await writeTemporary(path, content, mode));
    for (const { path } of files) await Deno.rename(temporaries.shift()!, path);
  } catch (error) {
    for (const temporary of temporaries) await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) await syncFolder(folder);
}

async function writeTemporary(path: string, content: Uint8Array, mode: number): Promise<string> {
  const suffix = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const temporary = join(dirname(path), `.tmp-${basename(path)}${suffix}`);
  const file = await Deno.open(temporary, { createNew: true, write: true, mode });
  try {
    try {
      for (let at = 0; at < content.length;) at += await file.write(content.subarray(at));
      await file.syncData();
    } finally {
      file.close();
    }
    // The umask may have removed permissions from `mode`.
    await Deno.chmod(temporary, mode);
    return temporary;
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await Deno.open(path);
  try {
    await folder.sync();
  } finally {
    folder.close();
  }
}
