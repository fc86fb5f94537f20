/** Responses of the distribution API that several handlers share. */

/** Error codes of the distribution specification, and `PRECONDITION_FAILED` of HTTP, with their statuses. */
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

/** An error of the distribution API. Handlers throw it to send its response. */
export class ApiError extends Error {
  /** Response with the error as JSON. */
  readonly response: Response;

  /** Creates the error; `headers` are added to the response. */
  constructor(code: keyof typeof STATUS, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.response = createJsonResponse({ errors: [{ code, message }] }, { status: STATUS[code], headers });
  }
}

/** Creates a response with a JSON body. Default: status 200. */
export function createJsonResponse(
  value: unknown,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(JSON.stringify(value), {
    status: init.status ?? 200,
    headers: { "content-type": "application/json", ...init.headers },
  });
}

/** Creates a response without a body. */
export function createEmptyResponse(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers });
}

/** Creates a response to `GET` with a body, or to `HEAD` with the same headers: they must include the length. */
export function createContentResponse(
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
