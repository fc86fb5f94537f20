import { PublishError } from "../actions/room.ts";
import { withoutAnswers } from "../registry/room.ts";
import { type ErrorCode, isManifestsError } from "../spec/room.ts";
import { type AnsweredError, HandlerError } from "./handler_error.ts";

/** Answer header that tells a caller to try again after one second. */
const RETRY_LATER = { "retry-after": "1" };

/**
 * HTTP status for each domain error; 422 for codes that are not listed. `UNAUTHORIZED` and `DENIED` are 502, because
 * here they mean that the registry rejected the handler's credentials. Callers without permission get their 401 or 403
 * as a {@linkcode HandlerError}.
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

/** Returns a JSON answer that must not be cached and whose media type browsers must not guess. */
export function jsonAnswer(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const standard = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return Response.json(value, { status, headers: { ...standard, ...headers } });
}

/** Converts any thrown value to the error that is answered. Unexpected errors become a 500 without details. */
export function toHandlerError(error: unknown): HandlerError {
  if (error instanceof HandlerError) return error;
  if (!isManifestsError(error)) {
    return new HandlerError(500, { code: "INTERNAL", message: "Cannot answer the request: internal error" });
  }
  const status = STATUS[error.code] ?? 422;
  return new HandlerError(status, describeError(error), status === 503 ? RETRY_LATER : {});
}

/** Returns the answer that reports an error. `requestId` is the id under which the log has the request. */
export function errorAnswer({ status, code, message, published, headers }: HandlerError, requestId: string): Response {
  return jsonAnswer({ error: { code, message, requestId, ...(published ? { published } : {}) } }, status, headers);
}

/** Returns the code and the message of an error, without text that a registry sent. */
function describeError(error: Error & { readonly code: ErrorCode }): AnsweredError {
  const { code, message } = error;
  if (!(error instanceof PublishError)) return { code, message: withoutAnswers(message) };
  const published = error.published.map(({ error, ...name }) => ({
    ...name,
    ...(error === undefined ? {} : { error: withoutAnswers(error) }),
  }));
  return { code, message: withoutAnswers(message), published };
}
