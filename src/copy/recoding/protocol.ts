import {
  CompressionError,
  type DeflateBlock,
  type DeflatedBlock,
  UnsupportedCompressionError,
} from "../../internal/compression/room.ts";
import { type ErrorCode, isManifestsError, ManifestsError } from "../../spec/room.ts";
import type { Measured, Recoding } from "./pipeline.ts";

/** What the main thread tells a worker; `job` is the number of the stream that it is about. */
export type ToWorker =
  /** A block is to be compressed; its bytes are the worker's now. */
  | { readonly job: number; readonly type: "deflate"; readonly block: DeflateBlock }
  /** A stream will come, of which this is to be done. */
  | { readonly job: number; readonly type: "start"; readonly recoding: Recoding }
  /** A piece of it; it was asked for. */
  | { readonly job: number; readonly type: "input"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Its end. */
  | { readonly job: number; readonly type: "end" }
  /** One more piece of output may be sent. */
  | { readonly job: number; readonly type: "more" }
  /** Nobody wants it any more. */
  | { readonly job: number; readonly type: "cancel" };

/** What a worker tells the main thread. */
export type FromWorker =
  /** It is there. */
  | { readonly type: "ready" }
  /** One more piece of input may be sent. */
  | { readonly job: number; readonly type: "more" }
  /** A piece of output. */
  | { readonly job: number; readonly type: "output"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A block, and its memory back. */
  | ({ readonly job: number; readonly type: "deflated" } & DeflatedBlock)
  /** All of it is done. */
  | { readonly job: number; readonly type: "done"; readonly measured: Measured }
  /** It cannot be done. */
  | { readonly job: number; readonly type: "failed"; readonly failure: Failure };

/** An error, as far as it can be sent. */
export interface Failure {
  /** Its class. */
  readonly name: string;
  /** Its code, where it is one of ours. */
  readonly code: ErrorCode | undefined;
  /** What it says. */
  readonly message: string;
}

/** What another thread is told of an error. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", code: undefined, message: String(error) };
  return { name: error.name, code: isManifestsError(error) ? error.code : undefined, message: error.message };
}

/** The error of which another thread has told. */
export function errorOf({ name, code, message }: Failure): Error {
  if (code) return new ManifestsError(code, message);
  const Kind = { CompressionError, RangeError, UnsupportedCompressionError }[name] ?? Error;
  return new Kind(message);
}

/** How many pieces may be on their way at once, in each direction. */
export const CREDITS = 4;

/**
 * A copy of bytes, which can be given to another thread. The bytes themselves cannot: whoever made them may have the rest
 * of the buffer in use, or the same bytes for somebody else.
 */
export function transferable(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  // Not `slice`: of a buffer of `node:zlib`, that would be a view.
  return new Uint8Array(bytes);
}
