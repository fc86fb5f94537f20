import { delay } from "@std/async";
import { isTransientStatus, retryDelay } from "../internal/room.ts";
import { isManifestsError } from "../spec/room.ts";
import type { CopyEvent } from "./events.ts";

/** How steps of a copy are tried again. */
export interface RetryOptions {
  /** How often at most. */
  readonly maxRetries: number;
  /** Milliseconds between tries; `undefined`: 1 s, 2 s, 4 s and so on, up to 30 s. */
  readonly retryDelay: number | undefined;
  /** Milliseconds before the second try where `retryDelay` is `undefined`; doubles with each. Default: 1000. */
  readonly firstDelay?: number | undefined;
  /** Told of every failed try. */
  readonly emit: (event: CopyEvent) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Which failures may pass; default: {@linkcode isTransient}. */
  readonly isTransient?: ((error: unknown) => boolean) | undefined;
}

/** Whether the same step may succeed later: the network or the server was at fault, not what was asked. */
export function isTransient(error: unknown): boolean {
  if (isManifestsError(error) && "isTransient" in error && error.isTransient !== undefined) return !!error.isTransient;
  if (isManifestsError(error, "NETWORK") || isManifestsError(error, "TOO_MANY_REQUESTS")) return true;
  return error instanceof Error && "status" in error && typeof error.status === "number" &&
    isTransientStatus(error.status);
}

/** As {@linkcode isTransient}; also, a blob that arrived broken is asked for again. Broken at its source, tries run out. */
export function isTransientForBlob(error: unknown): boolean {
  return isTransient(error) || isManifestsError(error, "SIZE_MISMATCH") || isManifestsError(error, "DIGEST_MISMATCH");
}

/**
 * As {@linkcode isTransient}; also, a registry that does not know a blob or manifest which was put there just now. Some
 * need a moment when several pushes bring the same content at once, or until all of their servers know it.
 */
export function isTransientForManifest(error: unknown): boolean {
  return missesContent(error) || isTransient(error);
}

/** Whether a destination refused a manifest for its type, so that another one may be taken. */
export function isRejectedType(error: unknown): boolean {
  return isManifestsError(error, "MANIFEST_REJECTED") && !missesContent(error);
}

/** How registries report that they do not know what a manifest names. */
const MISSING_CONTENT: readonly string[] = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];

/** Whether a registry refused a manifest because it does not know what that names. */
export function missesContent(error: unknown): boolean {
  const diagnostics = error instanceof Error && "diagnostics" in error ? error.diagnostics : [];
  return Array.isArray(diagnostics) && diagnostics.some(({ code }) => MISSING_CONTENT.includes(code));
}

/** What the server asked to wait, in milliseconds. */
function askedDelay(error: unknown): number | undefined {
  return error instanceof Error && "retryAfter" in error && typeof error.retryAfter === "number"
    ? error.retryAfter
    : undefined;
}

/** Runs a step of a copy, again after passing failures. */
export async function retry<T>(step: string, work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { maxRetries, emit, signal } = options;
  const mayPass = options.isTransient ?? isTransient;
  for (let attempt = 1;; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || attempt > maxRetries || !mayPass(error)) throw error;
      const wait = askedDelay(error) ?? options.retryDelay ?? retryDelay(attempt, options.firstDelay);
      emit({ type: "retrying", step, attempt, maxRetries, delay: wait, error });
      await delay(wait, { signal });
    }
  }
}
