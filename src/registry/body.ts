import { type ByteStream, mapStream, type StreamHooks } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http_types.ts";

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
 * and so is one that stands still. An abort of the request's signal ends the read at once.
 *
 * @param hooks What else is done with it.
 */
export function getBody(
  { response, url, signal, stallTimeout = STALL_TIMEOUT }: HttpResponse,
  hooks: Omit<StreamHooks, "fail" | "timeout" | "signal"> = {},
): ByteStream {
  const body = response.body as ByteStream | null ?? emptyStream();
  const fail = (error: unknown) =>
    // An abort carries the caller's own reason.
    error instanceof TypeError ? new BrokenBodyError(url, error.message) : error;
  const stalled = () => new BrokenBodyError(url, "nothing came for too long");
  return mapStream(body, { ...hooks, fail, signal, timeout: { milliseconds: stallTimeout, error: stalled } });
}

function emptyStream(): ByteStream {
  return new ReadableStream({ start: (controller) => controller.close() });
}
