import { basename, dirname, join } from "@std/path";

/**
 * Replaces a file's content so that readers and crashes see the old content or the new, nothing between: a temporary
 * file in the same folder, synced, renamed over the old one, the folder synced. The temporary file goes where
 * anything fails.
 *
 * @param mode Permissions of the file.
 */
export async function writeAtomically(path: string, content: Uint8Array, mode = 0o600): Promise<void> {
  await writeAllAtomically([{ path, content }], mode);
}

/** A file to be written. */
export interface FileContent {
  /** Where. */
  readonly path: string;
  /** What. */
  readonly content: Uint8Array;
}

/**
 * Replaces several files of one folder, in their order. Everything is on the disk before the first file is replaced,
 * so a disk that is full leaves all of them as they were.
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
    // The umask may have taken bits away.
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
