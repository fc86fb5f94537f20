/** Compression of layers: which algorithms there are, and layers compressed anew on their way. */
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
