/** Toolbox for all rooms: streams, hashing, concurrency. It knows nothing about images. */
export { abortable } from "./abortable.ts";
export { allOrAbort } from "./all_or_abort.ts";
export { backoffDelay, retryDelay } from "./backoff.ts";
export {
  compareUtf8,
  concatBytes,
  decodeBase64,
  decodeStrictBase64,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
} from "./bytes.ts";
export type { CallOptions, Fetch, SignalOptions } from "./call.ts";
export { Crc64 } from "./crc64.ts";
export { type JoinedSignal, joinSignals } from "./join_signals.ts";
export { Disposables } from "./disposables.ts";
export { groupBy } from "./group_by.ts";
export { findRetryAfter, isTransientStatus } from "./http_retries.ts";
export { createHasher, type Hasher } from "./hash.ts";
export { enterQueue } from "./lock_queue.ts";
export { repeatWhileLost } from "./race.ts";
export { startTimer } from "./timer.ts";
export { findNodeCrypto } from "./node_crypto.ts";
export { findUrl } from "./url.ts";
export { VERSION } from "./version.ts";
export { OncePerKey } from "./once.ts";
export { Semaphore } from "./semaphore.ts";
export { findSimilar } from "./similar.ts";
export {
  abortableStream,
  type ByteStream,
  compactChunk,
  createStream,
  mapStream,
  openReader,
  readChunks,
  type Reader,
  readStream,
  ReusedBuffers,
  type StreamHooks,
  toStream,
} from "./streams.ts";
