/** Bytes that are not what their compression demands, or a compression that this runtime cannot do. */
export class CompressionError extends Error {
  /** Error name. */
  override readonly name = "CompressionError";
}
