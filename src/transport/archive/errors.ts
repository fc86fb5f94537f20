import { TarError } from "../../internal/tar/room.ts";
import { type ErrorCode, isManifestsError, ManifestsError } from "../../spec/room.ts";

/** The error that an archive is broken, or not what it is taken for. */
export function invalidArchive(path: string, problem: string, cause?: unknown): ManifestsError {
  return new ManifestsError("ARCHIVE_INVALID", `Cannot read archive ${JSON.stringify(path)} as ${problem}`, { cause });
}

/** Turns what reading or writing an archive throws into an error of this module. */
export function archiveError(error: unknown, action: "read" | "write", path: string): unknown {
  // A permission that is missing is told as it is, and so is a mistake in a program.
  if (isManifestsError(error) || error instanceof Deno.errors.NotCapable || error instanceof TypeError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Cannot ${action} archive ${JSON.stringify(path)} as ${reason}`;
  return new ManifestsError(errorCode(error, action), message, { cause: error });
}

function errorCode(error: unknown, action: "read" | "write"): ErrorCode {
  if (error instanceof TarError) return "ARCHIVE_INVALID";
  return action === "read" && error instanceof Deno.errors.NotFound ? "NOT_FOUND" : "TRANSPORT_IO";
}
