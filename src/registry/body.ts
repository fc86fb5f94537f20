import { type ByteStream, mapStream, type StreamHooks, toStream } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http_types.ts";

/** A response whose headers arrived, but whose body was interrupted or stalled. */
export class BrokenBodyError extends ManifestsError {
  override readonly name = "BrokenBodyError";

  constructor(url: string, reason: string) {
    super("NETWORK", `Cannot read all of ${redactUrl(url)}: ${reason}`);
  }
}

/** Default for the maximum time without a byte of a body, in milliseconds. */
const STALL_TIMEOUT = 60_000;

/**
 * Returns the body of a response. The stream fails with a {@linkcode BrokenBodyError} if the connection is interrupted
 * or stalls, instead of the bare `TypeError` of `fetch`. An abort of the request's signal ends the reading at once.
 *
 * @param hooks Functions that the chunks pass through. Default: none.
 */
export function getBody(
  { response, url, signal, stallTimeout = STALL_TIMEOUT }: HttpResponse,
  hooks: Omit<StreamHooks, "fail" | "timeout" | "signal"> = {},
): ByteStream {
  const body = response.body as ByteStream | null ?? toStream(new Uint8Array());
  const fail = (error: unknown) =>
    // Other errors are passed on: an abort carries the reason that the caller gave.
    error instanceof TypeError ? new BrokenBodyError(url, error.message) : error;
  const stalled = () => new BrokenBodyError(url, "no data arrived for too long");
  return mapStream(body, { ...hooks, fail, signal, timeout: { milliseconds: stallTimeout, error: stalled } });
}
