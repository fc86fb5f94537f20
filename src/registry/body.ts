import { type ByteStream, mapStream } from "../internal/mod.ts";
import { ManifestsError } from "../spec/mod.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http.ts";

/** An answer that came, but whose body broke off or stood still. */
export class BrokenBodyError extends ManifestsError {
  override readonly name = "BrokenBodyError";

  constructor(url: string, reason: string) {
    super("NETWORK", `Cannot read ${redactUrl(url)} to its end: ${reason}`);
  }
}

/** How long a body may stand still, in milliseconds. */
const STALL_TIMEOUT = 60_000;

/**
 * The body of an answer. A connection that breaks off is an error with code `NETWORK`, not `fetch`'s bare `TypeError`,
 * and so is one that stands still.
 *
 * @param stallTimeout How long nothing may come, in milliseconds.
 */
export function bodyOf({ response, url }: HttpResponse, stallTimeout: number = STALL_TIMEOUT): ByteStream {
  const body = response.body as ByteStream | null;
  if (!body) return new ReadableStream({ start: (controller) => controller.close() });
  const fail = (error: unknown) =>
    // An abort carries the caller's own reason.
    error instanceof TypeError ? new BrokenBodyError(url, error.message) : error;
  const stalled = () => new BrokenBodyError(url, "nothing came for too long");
  return mapStream(body, { fail, timeout: { milliseconds: stallTimeout, error: stalled } });
}
