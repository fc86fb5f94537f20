import { joinSignals, readStream } from "../internal/room.ts";
import { parseJson } from "../json/room.ts";
import type { ResolvedLimits } from "./options.ts";
import { badRequest, Refusal } from "./refusal.ts";

/**
 * Reads the JSON of a request: 400, 408, 411, 413 and 415 where it is not as it must be.
 *
 * @param signal Ends the reading.
 */
export async function readJsonBody(
  request: Request,
  { bodyBytes, bodyTimeout }: ResolvedLimits,
  signal: AbortSignal,
): Promise<unknown> {
  requireJson(request.headers);
  const length = request.headers.get("content-length");
  if (!request.body) {
    throw length === null
      ? new Refusal(411, { code: "LENGTH_REQUIRED", message: "Cannot read the request as it has no body" })
      : badRequest("its body is empty");
  }
  const tooLarge = () => {
    const message = `Cannot read the request as its body has more than ${bodyBytes} bytes`;
    return new Refusal(413, { code: "BODY_TOO_LARGE", message });
  };
  if (Number(length) > bodyBytes) throw tooLarge();
  const late = new AbortController();
  const timer = setTimeout(() => {
    const message = `Cannot read the request as its body took more than ${bodyTimeout} ms`;
    late.abort(new Refusal(408, { code: "REQUEST_TIMEOUT", message }, { connection: "close" }));
  }, bodyTimeout);
  using joined = joinSignals(late.signal, signal);
  try {
    const bytes = await readStream(request.body, bodyBytes, joined.signal);
    if (!bytes) throw tooLarge();
    return parseJson(bytes, "the body").value;
  } catch (error) {
    // It is too large, or one of the signals has ended it.
    if (error instanceof Refusal) throw error;
    throw badRequest(
      error instanceof SyntaxError ? "its body is no JSON, or has a member twice" : "its body broke off",
    );
  } finally {
    clearTimeout(timer);
  }
}

function requireJson(headers: Headers): void {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";").map((s) => s.trim());
  const isUtf8 = parameters.every((parameter) => /^charset="?utf-8"?$/.test(parameter));
  if (type === "application/json" && isUtf8 && (headers.get("content-encoding") ?? "identity") === "identity") return;
  const message = "Cannot read the request as its body is not application/json in UTF-8, without compression";
  throw new Refusal(415, { code: "MEDIA_TYPE_NOT_SUPPORTED", message });
}
