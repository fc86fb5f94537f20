import type { ByteStream } from "../streams.ts";
import type { Compression } from "./detect.ts";
import { type Engine, ENGINE_CHUNK_SIZE, type EngineHooks, getZlibFunction, streamThrough } from "./engine.ts";
import { CompressionError, UnsupportedCompressionError } from "./errors.ts";
import { ZstdFrameTracker } from "./zstd_frames.ts";

/** Whether {@linkcode decompressStream} can read a compression. */
export function canDecompress(compression: Compression): boolean {
  return compression === "gzip" || compression === "zstd";
}

/**
 * Takes compression off, in this thread: all members of a gzip stream, all frames of a zstd stream. The stream fails
 * with {@linkcode CompressionError} where the content is broken, ends too early, or is followed by something else.
 *
 * @throws {UnsupportedCompressionError} Where nothing here can read the compression: `bzip2` and `Xz`.
 */
export function decompressStream(stream: ByteStream, compression: Compression): ByteStream {
  if (compression === "gzip") return streamThrough(stream, gunzip());
  if (compression === "zstd") return streamThrough(stream, unzstd());
  throw new UnsupportedCompressionError(`Cannot decompress ${compression} as this runtime has no decoder for it`);
}

function gunzip(): EngineHooks {
  let given = 0;
  return {
    action: "decompress gzip",
    open: (zlib) => zlib.createGunzip({ chunkSize: ENGINE_CHUNK_SIZE }),
    input: (chunk) => (given += chunk.length, [chunk]),
    end(engine: Engine) {
      // Zeros after the last member end the engine's stream without a word.
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
