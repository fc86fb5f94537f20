import { type ErrorCode, ManifestsError, type ManifestsErrorOptions } from "../spec/room.ts";

/** Thrown when a signature is not accepted; `code` gives the kind of reason. */
export class SignatureRefusedError extends ManifestsError {
  /** Name of the error class. */
  override readonly name: string = "SignatureRefusedError";
  /** The reason, in the words of podman and skopeo. */
  readonly reason: string;

  /** Creates the error with the message `Cannot accept signature: <reason>`. */
  constructor(code: ErrorCode, reason: string, options?: ManifestsErrorOptions) {
    super(code, `Cannot accept signature: ${reason}`, options);
    this.reason = reason;
  }
}

/** Throws a {@linkcode SignatureRefusedError}. */
export function refuse(code: ErrorCode, reason: string, options?: ManifestsErrorOptions): never {
  throw new SignatureRefusedError(code, reason, options);
}
