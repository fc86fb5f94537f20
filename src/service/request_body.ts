import { joinSignals, readStream } from "../internal/room.ts";
import { parseJson } from "../json/room.ts";
import type { ResolvedLimits } from "./options.ts";
import { badRequest, HandlerError } from "./handler_error.ts";

/**
 * Reads the JSON body of a request. Throws an error with status 400 if it is not valid JSON, 408 if it is too slow, 411
 * if it is missing, 413 if it is too large, and 415 if it has another media type or encoding.
 *
 * @param signal Aborts the read.
 */
export async function readJsonBody(
  request: Request,
  { bodyBytes, bodyTimeout }: ResolvedLimits,
  signal: AbortSignal,
): Promise<unknown> {
  assertJson(request.headers);
  const length = request.headers.get("content-length");
  if (!request.body) {
    throw length === null
      ? new HandlerError(411, { code: "LENGTH_REQUIRED", message: "Cannot read the request: it has no body" })
      : badRequest("the body is empty");
  }
  const tooLarge = () => {
    const message = `Cannot read the request: its body has more than ${bodyBytes} bytes`;
    return new HandlerError(413, { code: "BODY_TOO_LARGE", message });
  };
  if (Number(length) > bodyBytes) throw tooLarge();
  const late = new AbortController();
  const timer = setTimeout(() => {
    const message = `Cannot read the request: its body took more than ${bodyTimeout} ms to arrive`;
    late.abort(new HandlerError(408, { code: "REQUEST_TIMEOUT", message }, { connection: "close" }));
  }, bodyTimeout);
  using joined = joinSignals(late.signal, signal);
  try {
    const bytes = await readStream(request.body, bodyBytes, joined.signal);
    if (!bytes) throw tooLarge();
    return parseJson(bytes, "the body").value;
  } catch (error) {
    // Thrown above for a large body, or the reason of one of the signals.
    if (error instanceof HandlerError) throw error;
    throw badRequest(
      error instanceof SyntaxError
        ? "the body is not valid JSON, or contains a member twice"
        : "the connection ended before the body was complete",
    );
  } finally {
    clearTimeout(timer);
  }
}

function assertJson(headers: Headers): void {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";").map((s) => s.trim());
  const isUtf8 = parameters.every((parameter) => /^charset="?utf-8"?$/.test(parameter));
  const isPlain = (headers.get("content-encoding") ?? "identity") === "identity";
  if (type === "application/json" && isUtf8 && isPlain) return;
  const cure = isPlain
    ? 'send JSON in UTF-8 with the header "content-type: application/json"'
    : 'send the body uncompressed, without the header "content-encoding"';
  const message = `Cannot read the request: ${cure}`;
  throw new HandlerError(415, { code: "MEDIA_TYPE_NOT_SUPPORTED", message });
}
