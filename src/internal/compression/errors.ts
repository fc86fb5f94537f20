/** Error for corrupt compressed content, or for a compression that is not supported. */
export class CompressionError extends Error {
  /** Name of the error class. */
  override readonly name: string = "CompressionError";
}

/** Error for a compression that this runtime does not support. */
export class UnsupportedCompressionError extends CompressionError {
  /** Name of the error class. */
  override readonly name = "UnsupportedCompressionError";
}
