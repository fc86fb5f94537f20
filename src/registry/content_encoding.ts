import { type ByteStream, mapStream } from "../internal/room.ts";
import { ManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { getBody } from "./body.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http_types.ts";

/**
 * Whether a server compressed what it was asked to send as it is. A header alone does not prove that: object stores
 * keep `Content-Encoding: gzip` with layers that are stored as they are, and then the length is right.
 *
 * @param size What the content itself has, in bytes, or `UNKNOWN_SIZE`.
 */
export function isEncoded(response: Response, size: number): boolean {
  if (response.headers.get("content-encoding")?.toLowerCase() !== "gzip") return false;
  const length = response.headers.get("content-length");
  return size === UNKNOWN_SIZE || length === null || Number(length) !== size;
}

/** The body of an answer that {@linkcode isEncoded}, as it was meant. */
export function decodeBody(answer: HttpResponse): ByteStream {
  const invalid = () =>
    new ManifestsError("REGISTRY_ERROR", `Cannot read ${redactUrl(answer.url)} as it says gzip, and sends none`);
  return mapStream(getBody(answer).pipeThrough(new DecompressionStream("gzip")), {
    fail: (error) => error instanceof TypeError ? invalid() : error,
  });
}
