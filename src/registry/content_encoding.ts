import { type ByteStream, mapStream } from "../internal/room.ts";
import { ManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { getBody } from "./body.ts";
import { redactUrl } from "./redact.ts";
import type { HttpResponse } from "./http_types.ts";

/**
 * Returns whether a server compressed a response although the request asked for no compression. The header alone does
 * not prove that: object stores send `Content-Encoding: gzip` with layers that they store unchanged, and then the length
 * equals the size of the content.
 *
 * @param size Size of the content in bytes, or `UNKNOWN_SIZE`.
 */
export function isEncoded(response: Response, size: number): boolean {
  if (response.headers.get("content-encoding")?.toLowerCase() !== "gzip") return false;
  const length = response.headers.get("content-length");
  return size === UNKNOWN_SIZE || length === null || Number(length) !== size;
}

/** Returns the decompressed body of a response that {@linkcode isEncoded}. */
export function decodeBody(answer: HttpResponse): ByteStream {
  const invalid = () =>
    new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot read ${redactUrl(answer.url)}: the body is not gzip, as its header announces`,
    );
  return mapStream(getBody(answer).pipeThrough(new DecompressionStream("gzip")), {
    fail: (error) => error instanceof TypeError ? invalid() : error,
  });
}
