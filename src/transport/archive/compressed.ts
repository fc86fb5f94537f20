import { type Compression, CompressionError, decompressStream } from "../../internal/compression/room.ts";
import { type ByteStream, mapStream } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { invalidArchive } from "./errors.ts";

/**
 * Returns the decompressed stream, or the stream itself if it is not compressed. `path` names the archive in errors.
 */
export function inflate(stream: ByteStream, compression: Compression | undefined, path: string): ByteStream {
  if (compression === undefined) return stream;
  if (compression !== "gzip" && compression !== "zstd") {
    stream.cancel().catch(() => {});
    const archive = JSON.stringify(path);
    throw new ManifestsError(
      "COMPRESSION_NOT_SUPPORTED",
      `Cannot read archive ${archive}: compression ${compression} is not supported, use gzip or zstd`,
    );
  }
  return mapStream(decompressStream(stream, compression), {
    fail: (error) => error instanceof CompressionError ? invalidArchive(path, error.message, error) : error,
  });
}
