/** Bytes that are not what their compression demands, or a compression that this runtime cannot do. */
export class CompressionError extends Error {
  /** Error name. */
  override readonly name: string = "CompressionError";
}

/** A compression that this runtime cannot do. */
export class UnsupportedCompressionError extends CompressionError {
  /** Error name. */
  override readonly name = "UnsupportedCompressionError";
}
