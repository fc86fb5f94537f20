import { isTransientStatus } from "../internal/room.ts";
import { isManifestsError, ManifestsError } from "../spec/room.ts";
import { RegistryError } from "./errors.ts";

/** Statuses of requests that may succeed in another upload session, or with another token. */
const LOST_SESSION: readonly number[] = [401, 404, 416];

/** Returns whether a failure is temporary: another request may succeed. */
export function isTransientError(error: unknown): boolean {
  if (error instanceof ManifestsError && error.isTransient !== undefined) return error.isTransient;
  if (isManifestsError(error, "NETWORK") || isManifestsError(error, "TOO_MANY_REQUESTS")) return true;
  return error instanceof RegistryError && isTransientStatus(error.status);
}

/** Returns whether a failed upload may continue with another request, or in another session. */
export function isResumable(error: unknown): boolean {
  return isTransientError(error) || error instanceof RegistryError && LOST_SESSION.includes(error.status);
}

/** Returns whether a registry may accept the same bytes with another method. */
export function refusesMethod(error: unknown): boolean {
  return error instanceof RegistryError && [404, 405, 415, 501].includes(error.status);
}

/** Returns whether a registry, or a proxy in front of it, requires shorter requests, or requests with a length. */
export function isTooLong(error: unknown): boolean {
  return error instanceof RegistryError && [411, 413].includes(error.status);
}

/** Returns whether shorter requests may succeed: {@linkcode isTooLong}, or the token expired during the request. */
export function needsShorter(error: unknown): boolean {
  return isTooLong(error) || error instanceof RegistryError && error.status === 401;
}

/** Codes with which registries report that bytes did not arrive, or were lost. */
const LACKING: readonly string[] = ["DIGEST_INVALID", "SIZE_INVALID", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN"];

/** Returns whether an upload cannot be finished because the registry does not have the bytes that were sent. */
export function lacksBytes(error: unknown): boolean {
  if (error instanceof BrokenSessionError) return true;
  return error instanceof RegistryError &&
    ([404, 416].includes(error.status) || error.diagnostics.some(({ code }) => LACKING.includes(code)));
}

/** An upload session that is lost, or reports other bytes than were sent: the blob can be sent in another session. */
export class BrokenSessionError extends ManifestsError {
  override readonly name = "BrokenSessionError";

  /** The registry no longer knows the session. */
  readonly isLost: boolean;

  /** `url` is the session's. `problem` is the contradiction; `undefined`: the registry no longer knows the session. */
  constructor(url: string, problem?: string) {
    super("REGISTRY_ERROR", `Cannot upload to ${url}: ${problem ?? "the registry has lost the session"}`);
    this.isLost = problem === undefined;
  }
}

/** Returns whether the registry no longer knows an upload session. */
export function isLost(error: unknown): boolean {
  return error instanceof BrokenSessionError && error.isLost;
}
