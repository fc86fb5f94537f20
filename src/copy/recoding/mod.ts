/** Compression algorithms for layers, and recompression of layers during a copy. */
export {
  type Algorithm,
  baseAlgorithm,
  chunkedAnnotations,
  isZstdChunked,
  parseAlgorithm,
  runtimeLevel,
  withoutChunkedAnnotations,
} from "./algorithms.ts";
export type { Recoded, Recoding } from "./pipeline.ts";
export { createRecoder, type Recoder } from "./recoder.ts";
