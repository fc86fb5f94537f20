import type { ByteStream } from "../streams.ts";
import { gzipStream } from "./gzip.ts";
import { zstdStream } from "./zstd.ts";

/** Options of {@linkcode compressStream}. */
export interface CompressStreamOptions {
  /** How to compress. */
  readonly algorithm: "gzip" | "zstd";
  /** From 0 to 9 for gzip (default: 3), from 1 to 22 for zstd (default: 3). */
  readonly level?: number | undefined;
}

/** Puts compression on, in this thread. Throws a `RangeError` for a level that is none. */
export function compressStream(stream: ByteStream, { algorithm, level }: CompressStreamOptions): ByteStream {
  return algorithm === "gzip" ? gzipStream(stream, { level }) : zstdStream(stream, level);
}
