import { delay } from "@std/async";
import { isTransientStatus, retryDelay } from "../internal/room.ts";
import { isManifestsError } from "../spec/room.ts";
import type { CopyEvent } from "./events.ts";

/** How the steps of a copy are retried. */
export interface RetryOptions {
  /** Maximum number of retries of a step. */
  readonly maxRetries: number;
  /** Milliseconds before each retry; `undefined`: `firstDelay`, doubled with each retry up to 30000. */
  readonly retryDelay: number | undefined;
  /** Milliseconds before the first retry if `retryDelay` is `undefined`. Default: 1000. */
  readonly firstDelay?: number | undefined;
  /** Called with an event before each retry. */
  readonly emit: (event: CopyEvent) => void;
  /** Aborts the delay before a retry. */
  readonly signal: AbortSignal;
  /** Returns whether an error is temporary. Default: {@linkcode isTransient}. */
  readonly isTransient?: ((error: unknown) => boolean) | undefined;
}

/** Whether a step may succeed later, because the network or the server caused the error and not the request. */
export function isTransient(error: unknown): boolean {
  if (isManifestsError(error) && "isTransient" in error && error.isTransient !== undefined) return !!error.isTransient;
  if (isManifestsError(error, "NETWORK") || isManifestsError(error, "TOO_MANY_REQUESTS")) return true;
  return error instanceof Error && "status" in error && typeof error.status === "number" &&
    isTransientStatus(error.status);
}

/** As {@linkcode isTransient}; also after wrong bytes of a blob, which can be damaged on the way. */
export function isTransientForBlob(error: unknown): boolean {
  return isTransient(error) || isManifestsError(error, "SIZE_MISMATCH") || isManifestsError(error, "DIGEST_MISMATCH");
}

/**
 * As {@linkcode isTransient}; also if a registry does not find a blob or manifest that was just written. Some registries
 * need a moment if several pushes write the same content concurrently, or until all of their servers have it.
 */
export function isTransientForManifest(error: unknown): boolean {
  return missesContent(error) || isTransient(error);
}

/** Whether a destination rejected a manifest because of its type, so that another type can be tried. */
function isRejectedType(error: unknown): boolean {
  return isManifestsError(error, "MANIFEST_REJECTED") && !missesContent(error);
}

/** Error codes of registries that do not find a blob or manifest that a manifest names (distribution-spec, error codes). */
const MISSING_CONTENT: readonly string[] = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];

/** Whether a registry rejected a manifest because it does not find the content that the manifest names. */
export function missesContent(error: unknown): boolean {
  const diagnostics = error instanceof Error && "diagnostics" in error ? error.diagnostics : [];
  return Array.isArray(diagnostics) && diagnostics.some(({ code }) => MISSING_CONTENT.includes(code));
}

/** Returns the delay that the server requested with `Retry-After`, in milliseconds. */
function getRequestedDelay(error: unknown): number | undefined {
  return error instanceof Error && "retryAfter" in error && typeof error.retryAfter === "number"
    ? error.retryAfter
    : undefined;
}

/** Runs a step of a copy and retries it after temporary failures. */
export async function retry<T>(step: string, work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { maxRetries, emit, signal } = options;
  const isTemporary = options.isTransient ?? isTransient;
  for (let attempt = 1;; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || attempt > maxRetries || !isTemporary(error)) throw error;
      const wait = getRequestedDelay(error) ?? options.retryDelay ?? retryDelay(attempt, options.firstDelay);
      emit({ type: "retrying", step, attempt, maxRetries, delay: wait, error });
      await delay(wait, { signal });
    }
  }
}

/**
 * Tries media types until one is accepted. The next type is tried only if the destination rejected the type: after any
 * other failure, a worse type would lose information without need.
 */
export async function writeFirstAccepted<T>(types: readonly string[], write: (type: string) => Promise<T>): Promise<T> {
  let rejection: { error: unknown } | undefined;
  for (const type of types) {
    try {
      return await write(type);
    } catch (error) {
      // The first rejection explains more than the failure of a fallback.
      if (!isRejectedType(error)) throw rejection ? rejection.error : error;
      rejection ??= { error };
    }
  }
  throw rejection!.error;
}
