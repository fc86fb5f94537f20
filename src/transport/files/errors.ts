import { isManifestsError, ManifestsError } from "../../spec/room.ts";

/** Returns `undefined` for the error of a missing file, and throws any other error. */
export function ignoreMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
  throw error;
}

/** Runs `work`, and turns errors of the disk into `TRANSPORT_IO` errors. Other errors pass unchanged. */
export async function explain<T>(path: string, action: "read" | "write", work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isManifestsError(error) || error instanceof Deno.errors.NotCapable || !isDiskError(error)) throw error;
    throw new ManifestsError("TRANSPORT_IO", `Cannot ${action} ${JSON.stringify(path)}: ${error.message}`, {
      cause: error,
    });
  }
}

/** True for an error of the operating system. Its codes are text, unlike the numeric code of an `AbortError`. */
function isDiskError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error.constructor.name in Deno.errors || ("code" in error && typeof error.code === "string");
}
