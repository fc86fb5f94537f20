import { type ErrorCode, ManifestsError, type ManifestsErrorOptions } from "../spec/room.ts";

/** A signature, or what should have been one, that is not accepted; `code` says why in one word. */
export class SignatureRefusedError extends ManifestsError {
  /** Error name. */
  override readonly name: string = "SignatureRefusedError";
  /** Why, in the words that users of podman and skopeo know. */
  readonly reason: string;

  /** Creates the error; `reason` becomes the end of its message. */
  constructor(code: ErrorCode, reason: string, options?: ManifestsErrorOptions) {
    super(code, `Cannot accept signature: ${reason}`, options);
    this.reason = reason;
  }
}

/** Throws a {@linkcode SignatureRefusedError}. */
export function refuse(code: ErrorCode, reason: string, options?: ManifestsErrorOptions): never {
  throw new SignatureRefusedError(code, reason, options);
}
