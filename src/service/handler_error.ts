import type { PublishedName } from "../actions/room.ts";
import type { ErrorCode } from "../spec/room.ts";

/** Error codes for problems with the request itself; answers can also have the codes of `ERROR_CODES`. */
export type HandlerErrorCode =
  | "BAD_REQUEST"
  | "BODY_TOO_LARGE"
  | "ENDPOINT_UNKNOWN"
  | "EXPECTATION_DIFFERS"
  | "INTERNAL"
  | "LENGTH_REQUIRED"
  | "MEDIA_TYPE_NOT_SUPPORTED"
  | "METHOD_NOT_ALLOWED"
  | "OVERLOADED"
  | "RATE_LIMITED"
  | "REPORT_DIFFERS"
  | "REQUEST_TIMEOUT"
  | "RUN_FINISHED"
  | "RUN_PUBLISHING"
  | "RUN_UNKNOWN"
  | "SUPERSEDED"
  | "TIMEOUT"
  | "TOO_MANY_RUNS";

/** Error in an answer. It never contains secrets. */
export interface AnsweredError {
  /** Stable error code, for programs. */
  readonly code: HandlerErrorCode | ErrorCode;
  /** Error message, for people; its wording may change. */
  readonly message: string;
  /** State of each name of an index of which only some were written; `undefined` for other errors. */
  readonly published?: readonly PublishedName[] | undefined;
}

/** Error that is thrown to answer a request with a status, a code and a message. */
export class HandlerError extends Error {
  /** HTTP status of the answer: 400 or above. */
  readonly status: number;
  /** Stable error code that the answer contains. */
  readonly code: AnsweredError["code"];
  /** State of each name that the answer contains; `undefined`: none. */
  readonly published: AnsweredError["published"];
  /** Additional headers of the answer. Default: none. */
  readonly headers: Readonly<Record<string, string>>;

  /** Creates an error that is answered with this status. */
  constructor(
    status: number,
    { code, message, published }: AnsweredError,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.published = published;
    this.headers = headers;
  }
}

/** Returns the error for a malformed request, with status 400 and code `BAD_REQUEST`. */
export function badRequest(problem: string): HandlerError {
  return new HandlerError(400, { code: "BAD_REQUEST", message: `Cannot read the request: ${problem}` });
}
