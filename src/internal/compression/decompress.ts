import type { ByteStream } from "../streams.ts";
import type { Compression } from "./detect.ts";
import { type Engine, ENGINE_CHUNK_SIZE, type EngineHooks, getZlibFunction, streamThrough } from "./engine.ts";
import { CompressionError, UnsupportedCompressionError } from "./errors.ts";
import { ZstdFrameTracker } from "./zstd_frames.ts";

/** Returns whether {@linkcode decompressStream} supports a compression. */
export function canDecompress(compression: Compression): boolean {
  return compression === "gzip" || compression === "zstd";
}

/**
 * Decompresses a stream in this thread: all members of a gzip stream, all frames of a zstd stream. The stream fails with
 * {@linkcode CompressionError} if the content is corrupt, truncated or followed by other bytes.
 *
 * @throws {UnsupportedCompressionError} If the compression is `bzip2` or `Xz`.
 */
export function decompressStream(stream: ByteStream, compression: Compression): ByteStream {
  if (compression === "gzip") return streamThrough(stream, gunzip());
  if (compression === "zstd") return streamThrough(stream, unzstd());
  throw new UnsupportedCompressionError(`Cannot decompress ${compression}: only gzip and zstd are supported`);
}

function gunzip(): EngineHooks {
  let given = 0;
  return {
    action: "decompress gzip",
    open: (zlib) => zlib.createGunzip({ chunkSize: ENGINE_CHUNK_SIZE }),
    input: (chunk) => (given += chunk.length, [chunk]),
    end(engine: Engine) {
      // The engine ignores zeros after the last member, and stops there without an error.
      if (engine.bytesWritten === given) return;
      throw new CompressionError("Cannot decompress gzip: unexpected bytes after the last member");
    },
  };
}

function unzstd(): EngineHooks {
  const frames = new ZstdFrameTracker();
  return {
    action: "decompress zstd",
    open: (zlib) => getZlibFunction(zlib, "createZstdDecompress")({ chunkSize: ENGINE_CHUNK_SIZE }),
    input: (chunk) => frames.split(chunk),
    end: () => frames.end(),
  };
}
