import { isManifestsError, ManifestsError } from "../../spec/room.ts";

/** True if the operating system reported an error, such as a full disk or a folder without write permission. */
export function isIoError(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) return false;
  return "code" in error && /^E[A-Z0-9]+$/.test(String(error.code)) || error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.PermissionDenied;
}

/**
 * Creates a `STORE_IO` error from an error of the operating system. `what` is the failed action, which follows
 * "Cannot".
 */
export function ioError(what: string, error: Error): ManifestsError {
  return new ManifestsError("STORE_IO", `Cannot ${what}: ${error.message}`, { cause: error });
}

/** Runs `work`, and turns errors of the operating system into `STORE_IO` errors. `what` is the action, for messages. */
export async function explainIo<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw !isManifestsError(error) && isIoError(error) ? ioError(what, error) : error;
  }
}

/** Returns `undefined` for the error of a missing file, and throws any other error. */
export function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Reads a file. Returns no bytes if it does not exist. */
export async function readOrEmpty(path: string): Promise<Uint8Array> {
  return await Deno.readFile(path).catch(ignoreMissing) ?? new Uint8Array();
}
