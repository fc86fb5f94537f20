import { isTransientStatus } from "../internal/room.ts";
import { isManifestsError, ManifestsError } from "../spec/room.ts";
import { RegistryError } from "./errors.ts";

/** What a registry may say of a session or token that another one would not be told. */
const LOST_SESSION: readonly number[] = [401, 404, 416];

/** Whether bytes that did not get through may do so with another request for them. */
export function isTransientError(error: unknown): boolean {
  if (error instanceof ManifestsError && error.isTransient !== undefined) return error.isTransient;
  if (isManifestsError(error, "NETWORK") || isManifestsError(error, "TOO_MANY_REQUESTS")) return true;
  return error instanceof RegistryError && isTransientStatus(error.status);
}

/** Whether bytes of an upload may get through with another request, or in another session. */
export function isResumable(error: unknown): boolean {
  return isTransientError(error) || error instanceof RegistryError && LOST_SESSION.includes(error.status);
}

/** Whether a registry may take the same bytes with another method. */
export function refusesMethod(error: unknown): boolean {
  return error instanceof RegistryError && [404, 405, 415, 501].includes(error.status);
}

/** Whether a registry, or a proxy before it, takes less in one request, or wants its length told. */
export function isTooLong(error: unknown): boolean {
  return error instanceof RegistryError && [411, 413].includes(error.status);
}

/** As {@linkcode isTooLong}; also, a token ends before the request does. */
export function needsShorter(error: unknown): boolean {
  return isTooLong(error) || error instanceof RegistryError && error.status === 401;
}

/** How registries report that they did not receive what was sent, or no longer have it. */
const LACKING: readonly string[] = ["DIGEST_INVALID", "SIZE_INVALID", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN"];

/** Whether an upload cannot be finished because the registry has other bytes than were sent, or none. */
export function lacksBytes(error: unknown): boolean {
  if (error instanceof BrokenSessionError) return true;
  return error instanceof RegistryError &&
    ([404, 416].includes(error.status) || error.diagnostics.some(({ code }) => LACKING.includes(code)));
}

/** An upload session that is lost, or reports something else than was sent: the blob may be sent in another one. */
export class BrokenSessionError extends ManifestsError {
  override readonly name = "BrokenSessionError";

  /** Whether the session is gone. */
  readonly isLost: boolean;

  /** `url` is that of the session; without `problem`, it is gone. */
  constructor(url: string, problem?: string) {
    super("REGISTRY_ERROR", `Cannot upload to ${url}: ${problem ?? "the registry has lost the session"}`);
    this.isLost = problem === undefined;
  }
}

/** Whether an upload session is gone, without a contradiction. */
export function isLost(error: unknown): boolean {
  return error instanceof BrokenSessionError && error.isLost;
}
