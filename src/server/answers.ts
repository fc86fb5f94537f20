/** Answers of the distribution API that several handlers share. */

/** Error codes of the distribution specification, and one of HTTP, with the status that each is sent with. */
const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 416,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  PRECONDITION_FAILED: 412,
  RANGE_INVALID: 416,
  SIZE_INVALID: 413,
  UNAUTHORIZED: 401,
  UNSUPPORTED: 405,
} as const;

/** An answer that is an error of the specification. Thrown by handlers. */
export class ApiError extends Error {
  /** The answer to send. */
  readonly response: Response;

  /** Makes the answer; `headers` are added to it. */
  constructor(code: keyof typeof STATUS, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.response = jsonAnswer({ errors: [{ code, message }] }, { status: STATUS[code], headers });
  }
}

/** An answer with a JSON body. */
export function jsonAnswer(value: unknown, init: { status?: number; headers?: Record<string, string> } = {}): Response {
  return new Response(JSON.stringify(value), {
    status: init.status ?? 200,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

/** An answer without a body. */
export function emptyAnswer(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers });
}

/** The answer to a `HEAD` request: the headers of a `GET`, told by hand because there is no body to measure. */
export function contentAnswer(
  method: string,
  status: number,
  headers: Record<string, string>,
  body: () => BodyInit | Promise<BodyInit>,
): Response | Promise<Response> {
  if (method === "HEAD") return new Response(null, { status, headers });
  const content = body();
  return content instanceof Promise
    ? content.then((bytes) => new Response(bytes, { status, headers }))
    : new Response(content, { status, headers });
}
