import { TarError } from "../../internal/tar/room.ts";
import { type ErrorCode, isManifestsError, ManifestsError } from "../../spec/room.ts";

/** Creates the error for an archive that is damaged or has another format. */
export function invalidArchive(path: string, problem: string, cause?: unknown): ManifestsError {
  return new ManifestsError("ARCHIVE_INVALID", `Cannot read archive ${JSON.stringify(path)}: ${problem}`, { cause });
}

/** Turns an error of reading or writing an archive into `ARCHIVE_INVALID`, `NOT_FOUND` or `TRANSPORT_IO`. */
export function archiveError(error: unknown, action: "read" | "write", path: string): unknown {
  // A missing permission and a mistake of the caller are reported unchanged.
  if (isManifestsError(error) || error instanceof Deno.errors.NotCapable || error instanceof TypeError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Cannot ${action} archive ${JSON.stringify(path)}: ${reason}`;
  return new ManifestsError(errorCode(error, action), message, { cause: error });
}

function errorCode(error: unknown, action: "read" | "write"): ErrorCode {
  if (error instanceof TarError) return "ARCHIVE_INVALID";
  return action === "read" && error instanceof Deno.errors.NotFound ? "NOT_FOUND" : "TRANSPORT_IO";
}
