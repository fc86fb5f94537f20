import { type ErrorCode, isManifestsError, ManifestsError } from "../../../spec/room.ts";
import type { LayerFacts, LayerJob } from "./prepare_layer.ts";

/** A message to a worker; `job` is the number of the layer. */
export type ToLayerWorker =
  /** Prepare the layer whose bytes follow. */
  | { readonly job: number; readonly type: "start"; readonly layer: LayerJob }
  /** A requested chunk of the layer. */
  | { readonly job: number; readonly type: "input"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The end of the layer, which was verified. */
  | { readonly job: number; readonly type: "end" }
  /** The layer does not end: its source failed. */
  | { readonly job: number; readonly type: "cancel" };

/** A message from a worker to the main thread. */
export type FromLayerWorker =
  /** The worker was loaded and accepts jobs. */
  | { readonly type: "ready" }
  /** The main thread may send one more chunk. */
  | { readonly job: number; readonly type: "more" }
  /** The layer is ready; the worker has closed its files. */
  | { readonly job: number; readonly type: "done"; readonly facts: LayerFacts }
  /** The layer was refused or cancelled; the worker has closed its files. */
  | { readonly job: number; readonly type: "failed"; readonly failure: Failure };

/** The parts of an error that can be sent to another thread. */
export interface Failure {
  /** Code of a `ManifestsError`. */
  readonly code?: ErrorCode;
  /** Name of the error number if the operating system reported the error, such as `ENOSPC`. */
  readonly errno?: string;
  /** Message of the error, in full. */
  readonly message: string;
}

/** Converts an error to a message for another thread. */
export function toFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error) };
  const { message } = error;
  if (isManifestsError(error)) return { code: error.code, message };
  return { message, ..."code" in error && typeof error.code === "string" ? { errno: error.code } : {} };
}

/** Creates the error that another thread reported. */
export function toError({ code, errno, message }: Failure): Error {
  if (code) return new ManifestsError(code, message);
  return Object.assign(new Error(message), errno === undefined ? {} : { code: errno });
}
