import type { ByteStream } from "../internal/room.ts";

/** A request in parts, so that it can be sent again. */
export interface HttpRequest {
  /** HTTP method, in upper case. */
  readonly method: string;
  /** Absolute URL, sent exactly as given. */
  readonly url: string;
  /** Headers in addition to `User-Agent` and `Accept-Encoding`, which every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body of the request. A request whose body is a stream is never repeated. Default: no body. */
  readonly body?: Uint8Array<ArrayBuffer> | ByteStream | undefined;
  /** Number of bytes of a streamed body, which are sent with `Content-Length`. Default: not known; the body is sent in chunks. */
  readonly size?: number | undefined;
  /** Opens a streamed body again, to follow a redirect. Default: such a redirect is an error. */
  readonly reopen?: (() => Promise<ByteStream>) | undefined;
  /** Aborts the request and the reading of its response. */
  readonly signal?: AbortSignal | undefined;
  /** Maximum number of repetitions after temporary failures. Default: that of the client. */
  readonly maxRetries?: number | undefined;
  /** Sending the request twice is harmless although its method does not guarantee that. Default: `false`. */
  readonly isRepeatable?: boolean | undefined;
  /** Maximum time until the response's headers arrive, in milliseconds. Default: 60,000. */
  readonly headersTimeout?: number | undefined;
  /** Returns why a redirect to `url` must not be followed, as in `to a private network`; `undefined` to follow it. */
  readonly findProblem?: ((url: URL) => string | undefined) | undefined;
}

/** A response, with the URL that it came from. */
export interface HttpResponse {
  /** The response of `fetch`. Its body must be read or cancelled. */
  readonly response: Response;
  /** URL of the response, after redirects. */
  readonly url: string;
  /** Maximum time without a byte of the body, in milliseconds. Default: 60,000. */
  readonly stallTimeout?: number | undefined;
  /** Aborts the reading of the body. */
  readonly signal?: AbortSignal | undefined;
  /** Advice that is added to the message of an error made from this response. Default: none. */
  readonly hint?: string | undefined;
}

/** Time limits and delays of a client. */
export interface Timeouts {
  /**
   * Maximum time until the headers of a response arrive, in milliseconds. Does not apply to requests with a streamed
   * body.
   *
   * @default {60_000}
   */
  readonly headersTimeout?: number | undefined;
  /**
   * Maximum time to wait for an https response to the first request, in milliseconds, if plain HTTP is allowed and has
   * answered.
   *
   * @default {10_000}
   */
  readonly probeTimeout?: number | undefined;
  /**
   * Maximum time without a byte of a response's body, in milliseconds.
   *
   * @default {60_000}
   */
  readonly stallTimeout?: number | undefined;
  /**
   * Maximum time without progress of a streamed upload, in milliseconds.
   *
   * @default {120_000}
   */
  readonly uploadTimeout?: number | undefined;
  /**
   * Maximum number of repetitions of a request after temporary failures, unless the call sets its own number.
   *
   * @default {3}
   */
  readonly maxRetries?: number | undefined;
  /**
   * Delay before the first repetition, in milliseconds. Up to a tenth is added at random; the delay doubles with each
   * repetition, up to 30 s.
   *
   * @default {1000}
   */
  readonly retryDelay?: number | undefined;
}
