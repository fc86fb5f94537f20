import type { ErrorCode } from "../spec/room.ts";

/** Codes of answers that are about the request itself; all others are of `ERROR_CODES`. */
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
  | "REPORT_DIFFERS"
  | "REQUEST_TIMEOUT"
  | "RUN_UNKNOWN"
  | "SUPERSEDED"
  | "TIMEOUT";

/** What an answer says of an error: nothing of it is secret. */
export interface AnsweredError {
  /** What went wrong, for programs. */
  readonly code: HandlerErrorCode | ErrorCode;
  /** What went wrong, for people. */
  readonly message: string;
}

/** A request that is answered with an error. Thrown. */
export class Refusal extends Error {
  /** HTTP status. */
  readonly status: number;
  /** What went wrong. */
  readonly code: AnsweredError["code"];
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  /** Creates a refusal. */
  constructor(
    status: number,
    { code, message }: AnsweredError,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** A request that is malformed: 400. */
export function badRequest(problem: string): Refusal {
  return new Refusal(400, { code: "BAD_REQUEST", message: `Cannot understand the request as ${problem}` });
}
