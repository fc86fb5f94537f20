import { dirname } from "@std/path";
import { decodeUtf8, encodeUtf8 } from "../../internal/room.ts";
import { lockFolder, writeAtomically } from "../../internal/host/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { LockStore } from "../host.ts";
import { EMPTY_LOCK, formatReleaseLock, parseReleaseLock, type ReleaseLock } from "../lock.ts";

/** Permissions of a lock file: it is committed with the release file, and has no secrets. */
const MODE = 0o644;

/**
 * Opens a lock file, which may not exist yet. Changes by several processes follow each other, and each replaces the file
 * atomically.
 *
 * @param path Path of the file.
 */
export function openLockFile(path: string, { signal }: { signal?: AbortSignal | undefined } = {}): LockStore {
  const read = async () => {
    const text = await readText(path);
    return text === undefined ? EMPTY_LOCK : await parseReleaseLock(text, path);
  };
  return {
    read,
    update: async (change: (lock: ReleaseLock) => ReleaseLock) => {
      try {
        using _lock = await lockFolder(dirname(path), signal);
        const before = await readText(path);
        const after = formatReleaseLock(change(await read()));
        if (after !== before) await writeAtomically(path, encodeUtf8(after), MODE);
      } catch (error) {
        throw explain(path, error);
      }
    },
  };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return decodeUtf8(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw explain(path, error);
  }
}

/** Names the file in an error of the system. */
function explain(path: string, error: unknown): unknown {
  const isOfSystem = error instanceof Error && Object.values(Deno.errors).some((type) => error instanceof type);
  if (!isOfSystem) return error;
  const problem = `Cannot use the lock file ${JSON.stringify(path)}: ${error.message}`;
  return new ManifestsError("TRANSPORT_IO", problem, { cause: error });
}
