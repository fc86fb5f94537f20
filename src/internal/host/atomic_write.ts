import { basename, dirname, join } from "@std/path";

/**
 * Replaces a file's content so that readers and crashes see the old content or the new, nothing between: a temporary
 * file in the same folder, synced, renamed over the old one, the folder synced. The temporary file goes where
 * anything fails.
 *
 * @param mode Permissions of the file.
 */
export async function writeAtomically(path: string, content: Uint8Array, mode = 0o600): Promise<void> {
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
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await Deno.open(path);
  try {
    await folder.sync();
  } finally {
    folder.close();
  }
}
