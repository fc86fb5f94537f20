import { isTransientStatus } from "../internal/room.ts";
import { isManifestsError, ManifestsError } from "../spec/room.ts";
import { RegistryError } from "./errors.ts";

/** What a registry may say of a session or token that another one would not be told. */
const LOST_SESSION: readonly number[] = [401, 404, 416];

/** Whether bytes that did not get through may do so with another request for them. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ManifestsError && error.isTransient !== undefined) return error.isTransient;
  if (isManifestsError(error, "NETWORK") || isManifestsError(error, "TOO_MANY_REQUESTS")) return true;
  return error instanceof RegistryError && isTransientStatus(error.status);
}

/** Whether bytes of an upload may get through with another request, or in another session. */
export function mayResume(error: unknown): boolean {
  return mayPass(error) || error instanceof RegistryError && LOST_SESSION.includes(error.status);
}

/** Whether a registry may take the same bytes with another method. */
export function refusesMethod(error: unknown): boolean {
  return error instanceof RegistryError && [404, 405, 415, 501].includes(error.status);
}
