import type { ByteStream } from "../streams.ts";
import { ENGINE_CHUNK_SIZE, getZlibFunction, streamThrough } from "./engine.ts";

const DEFAULT_LEVEL = 3;

/** Compresses a stream as one zstd frame with a checksum, in this thread. Throws a `RangeError` for a wrong level. */
export function zstdStream(stream: ByteStream, level: number = DEFAULT_LEVEL): ByteStream {
  assertLevel(level);
  return streamThrough(stream, {
    action: "compress zstd",
    open: (zlib) =>
      getZlibFunction(zlib, "createZstdCompress")({
        chunkSize: ENGINE_CHUNK_SIZE,
        params: params(zlib.constants, level),
      }),
  });
}

function assertLevel(level: number): void {
  if (Number.isInteger(level) && level >= 1 && level <= 22) return;
  throw new RangeError(`Cannot compress zstd: the level must be an integer from 1 to 22: current value is ${level}`);
}

function params(
  constants: { ZSTD_c_compressionLevel: number; ZSTD_c_checksumFlag: number },
  level: number,
): Record<number, number> {
  return { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
}
