import { exec, ok } from "./peers.ts";

/**
 * Runs with a small file system of its own. Mounting requires root, which CI has.
 *
 * @param options Options of tmpfs, such as `size=1m` or `nr_inodes=20`.
 */
export async function withDisk(options: string, fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await ok(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]);
  try {
    await fn(folder);
  } finally {
    await exec(["umount", folder]);
    await Deno.remove(folder, { recursive: true });
  }
}
