import type { List } from "../list/room.ts";
import { isManifestsError } from "../spec/room.ts";

/**
 * Makes a look-up of instances for an edit that removes them, and may be repeated because other writers were faster:
 * what an earlier attempt found, and is gone since, is not an error. Another writer removed it, too.
 */
export function createInstanceFinder(
  find: (list: List, instance: string) => readonly string[] | Promise<readonly string[]>,
): (list: List, instance: string) => Promise<readonly string[]> {
  const found = new Set<string>();
  return async (list, instance) => {
    const isRepeated = found.has(instance);
    try {
      const digests = await find(list, instance);
      found.add(instance);
      const present = new Set<string>(isRepeated ? list.instances() : digests);
      return digests.filter((digest) => present.has(digest));
    } catch (error) {
      if (isRepeated && isManifestsError(error, "INSTANCE_NOT_FOUND")) return [];
      throw error;
    }
  };
}
