/** Compression of streams: detect, decompress, compress. */
export { compressStream } from "./compress.ts";
export { canDecompress, decompressStream } from "./decompress.ts";
export { type Compression, detectCompression, peekCompression } from "./detect.ts";
export { freeChunk, getZlibFunction, loadZlib } from "./engine.ts";
export { CompressionError, UnsupportedCompressionError } from "./errors.ts";
export { BlockDeflater, type DeflateBlock, type DeflatedBlock } from "./deflate.ts";
export { DEFAULT_GZIP_LEVEL, type Deflate, gzipStream, type GzipStreamOptions } from "./gzip.ts";
