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
  const removeTemporary = async (parent: string, name: string) => {
    const path = join(parent, name);
    if (name.startsWith(".tmp-") && await isOld(path)) await Deno.remove(path, { recursive: true });
  };
  for (const { name, isDirectory } of await Array.fromAsync(Deno.readDir(folder))) {
    const path = join(folder, name);
    const stored = set.byId(name);
    if (!isDirectory || !/^[0-9a-f]{64}$/.test(name)) await removeTemporary(folder, name);
    else if (!stored) {
      if (await isOld(path)) await Deno.remove(path, { recursive: true });
    } else if (stored.record.layer === undefined) {
      // This module writes only records without layers; searching every image would take too long.
      for await (const inner of Deno.readDir(path)) await removeTemporary(path, inner.name);
    }
  }
}
