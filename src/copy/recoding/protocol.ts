import {
  CompressionError,
  type DeflateBlock,
  type DeflatedBlock,
  UnsupportedCompressionError,
} from "../../internal/compression/room.ts";
import { type ErrorCode, isManifestsError, ManifestsError } from "../../spec/room.ts";
import type { BlobIdentity } from "../../image/room.ts";
import type { Measured, Recoding } from "./pipeline.ts";

/** A message to a worker; `job` is the number of the stream or block. */
export type ToWorker =
  /** Compress a block, whose buffer was transferred to the worker. */
  | { readonly job: number; readonly type: "deflate"; readonly block: DeflateBlock }
  /** Start a job: recode the stream that follows. */
  | { readonly job: number; readonly type: "start"; readonly recoding: Recoding; readonly layer: BlobIdentity }
  /** A requested chunk of the input. */
  | { readonly job: number; readonly type: "input"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The end of the input. */
  | { readonly job: number; readonly type: "end" }
  /** The worker may send one more chunk of output. */
  | { readonly job: number; readonly type: "more" }
  /** Cancel the job: its output is not needed. */
  | { readonly job: number; readonly type: "cancel" };

/** A message from a worker to the main thread. */
export type FromWorker =
  /** The worker was loaded and accepts jobs. */
  | { readonly type: "ready" }
  /** The main thread may send one more chunk of input. */
  | { readonly job: number; readonly type: "more" }
  /** One chunk of the output. */
  | { readonly job: number; readonly type: "output"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A compressed block, with the memory of its input for reuse. */
  | ({ readonly job: number; readonly type: "deflated" } & DeflatedBlock)
  /** The job has ended successfully. */
  | { readonly job: number; readonly type: "done"; readonly measured: Measured }
  /** The job failed with an error. */
  | { readonly job: number; readonly type: "failed"; readonly failure: Failure };

/** The parts of an error that can be sent to another thread. */
export interface Failure {
  /** Name of the error class. */
  readonly name: string;
  /** Code of a `ManifestsError`; `undefined` for other errors. */
  readonly code: ErrorCode | undefined;
  /** Message of the error, in full. */
  readonly message: string;
}

/** Converts an error to a message for another thread. */
export function toFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", code: undefined, message: String(error) };
  return { name: error.name, code: isManifestsError(error) ? error.code : undefined, message: error.message };
}

/** Creates the error that another thread reported. */
export function toError({ name, code, message }: Failure): Error {
  if (code) return new ManifestsError(code, message);
  const Kind = { CompressionError, RangeError, UnsupportedCompressionError }[name] ?? Error;
  return new Kind(message);
}
