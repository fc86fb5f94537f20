import { isManifestsError, ManifestsError } from "../../spec/room.ts";

/** Ignores that something is not there. */
export function ignoreMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
  throw error;
}

/** Turns what the disk says into an error of this module, with code `TRANSPORT_IO`; anything else passes as it is. */
export async function explain<T>(path: string, action: "read" | "write", work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isManifestsError(error) || error instanceof Deno.errors.NotCapable || !isOfDisk(error)) throw error;
    throw new ManifestsError("TRANSPORT_IO", `Cannot ${action} ${JSON.stringify(path)}: ${error.message}`, {
      cause: error,
    });
  }
}

/** Codes of the system are text; the number that an `AbortError` has is none. */
function isOfDisk(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error.constructor.name in Deno.errors || ("code" in error && typeof error.code === "string");
}
