import { isManifestsError, ManifestsError } from "../../spec/room.ts";

/** Whether an error is the system's, such as a full disk or a folder that may not be written. */
export function isIoError(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) return false;
  return "code" in error && /^E[A-Z0-9]+$/.test(String(error.code)) || error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.PermissionDenied;
}

/** Gives what the disk says a code, and words that say what was tried: `what` follows "Cannot". */
export function ioError(what: string, error: Error): ManifestsError {
  return new ManifestsError("STORE_IO", `Cannot ${what}: ${error.message}`, { cause: error });
}

/** Does work whose errors of the system become those of this module. */
export async function explainIo<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw !isManifestsError(error) && isIoError(error) ? ioError(what, error) : error;
  }
}
