import { withoutAnswers } from "../registry/room.ts";
import { type ErrorCode, isManifestsError } from "../spec/room.ts";
import { type AnsweredError, Refusal } from "./refusal.ts";

/** Seconds after which it may work, where nobody knows better. */
const RETRY_LATER = { "retry-after": "1" };

/**
 * The status that a domain error is answered with; 422 for the others. That the registry does not let *us* in is its
 * trouble and ours, not that of the caller, whose own 401 and 403 are refusals.
 */
const STATUS: { readonly [code in ErrorCode]?: number } = {
  CONFLICT: 409,
  DENIED: 502,
  DIGEST_MISMATCH: 502,
  INVALID_JSON: 502,
  INVALID_MANIFEST: 502,
  NETWORK: 502,
  NOT_FOUND: 404,
  REGISTRY_ERROR: 502,
  SIZE_MISMATCH: 502,
  STORE_IO: 503,
  TOO_MANY_REQUESTS: 503,
  TRANSPORT_IO: 502,
  UNAUTHORIZED: 502,
};

/** An answer in JSON. Nobody may keep it, nor take it for something else. */
export function jsonAnswer(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const own = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return Response.json(value, { status, headers: { ...own, ...headers } });
}

/** What an error is answered with. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (!isManifestsError(error)) {
    return new Refusal(500, { code: "INTERNAL", message: "Cannot answer as something went wrong here" });
  }
  const status = STATUS[error.code] ?? 422;
  return new Refusal(status, describeError(error), status === 503 ? RETRY_LATER : {});
}

/** The answer to a refused request. */
export function errorAnswer({ status, code, message, headers }: Refusal): Response {
  return jsonAnswer({ error: { code, message } }, status, headers);
}

/** An error as callers may see it. */
function describeError(error: Error & { readonly code: ErrorCode }): AnsweredError {
  return { code: error.code, message: withoutAnswers(error.message) };
}
