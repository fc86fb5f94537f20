import type { ByteStream } from "../streams.ts";
import { gzipStream } from "./gzip.ts";
import { zstdStream } from "./zstd.ts";

/** Algorithm and level for {@linkcode compressStream}. */
export interface CompressStreamOptions {
  /** Compression algorithm of the result. */
  readonly algorithm: "gzip" | "zstd";
  /** Compression level: 0 to 9 for gzip, 1 to 22 for zstd. Default: 3 for both. */
  readonly level?: number | undefined;
}

/** Compresses a stream in this thread. Throws a `RangeError` if the level is out of range. */
export function compressStream(stream: ByteStream, { algorithm, level }: CompressStreamOptions): ByteStream {
  return algorithm === "gzip" ? gzipStream(stream, { level }) : zstdStream(stream, level);
}
