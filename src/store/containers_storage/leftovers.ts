import { join } from "@std/path";
import type { RecordSet } from "./record_set.ts";

/**
 * Age in milliseconds from which a file or folder that no record names is a leftover: one hour. Programs write records
 * under the lock that the caller holds, but podman creates scratch folders below a record's folder without it.
 */
const LEFTOVER_AGE = 3_600_000;

/**
 * Removes the leftovers of killed saves: temporary files, and folders of records that are not in `images.json`. The
 * caller holds the exclusive lock of the folder.
 *
 * @param now Current time in milliseconds since 1970. Default: the system clock.
 */
export async function removeLeftovers(folder: string, set: RecordSet, now: number = Date.now()): Promise<void> {
  const isOld = async (path: string) => {
    const { mtime } = await Deno.lstat(path);
    return mtime !== null && now - mtime.getTime() >= LEFTOVER_AGE;
  };
  for (const { name, isDirectory } of await Array.fromAsync(Deno.readDir(folder))) {
    const isLeftover = name.startsWith(".tmp-") || (isDirectory && /^[0-9a-f]{64}$/.test(name) && !set.byId(name));
    const path = join(folder, name);
    if (isLeftover && await isOld(path)) await Deno.remove(path, { recursive: true });
  }
}
