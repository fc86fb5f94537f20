/**
 * All error codes of this module. Codes are stable, while messages may change. Unlike `instanceof`, a comparison of
 * codes also works if a program contains two copies of the module.
 */
export const ERROR_CODES = [
  "AMBIGUOUS_MANIFEST",
  "ARCHIVE_INVALID",
  "ARTIFACT_UNAVAILABLE",
  "CANNOT_MODIFY",
  "COMPRESSION_NOT_SUPPORTED",
  "CONFIG_FILE_INVALID",
  "CONFIG_FILE_UNREADABLE",
  "CONFLICT",
  "CONVERSION_NOT_SUPPORTED",
  "CREDENTIALS_NOT_SAVED",
  "CREDENTIAL_HELPER_FAILED",
  "DENIED",
  "DESTINATION_IN_USE",
  "DESTINATION_NOT_AN_IMAGE",
  "DIGEST_MISMATCH",
  "DUPLICATE_PLATFORM",
  "ID_IN_USE",
  "IMAGE_IN_USE",
  "IMAGE_UNKNOWN",
  "INSTANCE_NOT_FOUND",
  "INVALID_DIGEST",
  "INVALID_JSON",
  "INVALID_MANIFEST",
  "INVALID_PLATFORM",
  "INVALID_REFERENCE",
  "KEY_INVALID",
  "KEY_UNKNOWN",
  "LAYER_NOT_REPRODUCIBLE",
  "LAYOUT_INVALID",
  "LIMIT_EXCEEDED",
  "LIST_CHANGED",
  "LIST_IMAGE_UNKNOWN",
  "LOCK_OUTDATED",
  "LOCK_UNAVAILABLE",
  "MANIFEST_REJECTED",
  "MANIFEST_TYPE_NOT_SUPPORTED",
  "NAME_IN_USE",
  "NESTED_INDEX",
  "NETWORK",
  "NOT_FOUND",
  "NOT_A_MANIFEST_LIST",
  "NO_MATCHING_PLATFORM",
  "PASSPHRASE_REQUIRED",
  "PASSPHRASE_WRONG",
  "PLATFORM_MISMATCH",
  "POLICY_INVALID",
  "POLICY_MISSING",
  "POLICY_NOT_SUPPORTED",
  "POLICY_REJECTED",
  "PORT_BLOCKED",
  "REFERRERS_NOT_SUPPORTED",
  "REGISTRY_BLOCKED",
  "REGISTRY_ERROR",
  "SHORT_NAME_UNRESOLVED",
  "SIGNATURES_HIDDEN",
  "SIGNATURES_NOT_SUPPORTED",
  "SIGNATURE_CERTIFICATE_REJECTED",
  "SIGNATURE_DIGEST_MISMATCH",
  "SIGNATURE_EXPIRED",
  "SIGNATURE_FORMAT_UNKNOWN",
  "SIGNATURE_IDENTITY_MISMATCH",
  "SIGNATURE_INVALID",
  "SIGNATURE_KEY_EXPIRED",
  "SIGNATURE_KEY_REVOKED",
  "SIGNATURE_KEY_UNKNOWN",
  "SIGNATURE_LOG_REJECTED",
  "SIGNATURE_MESSAGE_INVALID",
  "SIGNATURE_MISSING",
  "SIGNATURE_PAYLOAD_INVALID",
  "SIGNATURE_WEAK",
  "SIGNING_FAILED",
  "SIGNING_UNAVAILABLE",
  "SIZE_MISMATCH",
  "STORE_CORRUPT",
  "STORE_IO",
  "STORE_READ_ONLY",
  "TAG_DRIFTED",
  "TAG_IMMUTABLE",
  "TRANSPORT_IO",
  "TRANSPORT_NOT_SUPPORTED",
  "TOO_MANY_REQUESTS",
  "UNAUTHORIZED",
  "UNSUPPORTED_TRANSPORT",
] as const;

/** A stable error code; see {@linkcode ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Options of the error constructors. */
export interface ManifestsErrorOptions {
  /** The error that caused this one. Default: none. */
  cause?: unknown;
  /** Whether the same call may succeed later. Default: derived from the code and an HTTP status. */
  isTransient?: boolean | undefined;
}

/**
 * Base class of the errors of this module. `code` identifies the kind of error.
 *
 * @example
 * ```ts
 * import { isManifestsError, parseImageName } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * try {
 *   parseImageName("docker://Upper/Case");
 * } catch (error) {
 *   assert.ok(isManifestsError(error, "INVALID_REFERENCE"));
 * }
 * ```
 */
export class ManifestsError extends Error {
  /** Name of the error class. */
  override readonly name: string = "ManifestsError";
  /** Stable code of the error; see {@linkcode ERROR_CODES}. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later. `undefined`: derived from the code and an HTTP status. */
  readonly isTransient: boolean | undefined;

  /** Creates an error with a code and a message of the form `Cannot <action>: <reason>`. */
  constructor(code: ErrorCode, message: string, options?: ManifestsErrorOptions) {
    super(message, options);
    this.code = code;
    this.isTransient = options?.isTransient;
  }
}

/** Thrown when a text cannot be parsed: a reference, a digest, a platform, JSON or a manifest. */
export class ManifestsSyntaxError extends SyntaxError {
  /** Name of the error class. */
  override readonly name: string = "ManifestsSyntaxError";
  /** Stable code of the error; see {@linkcode ERROR_CODES}. */
  readonly code: ErrorCode;

  /** Creates a syntax error with a code and a message. */
  constructor(code: ErrorCode, message: string, options?: ManifestsErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown when content does not have its requested or declared digest. Code: `DIGEST_MISMATCH`. */
export class DigestMismatchError extends ManifestsError {
  /** Name of the error class. */
  override readonly name: string = "DigestMismatchError";
  /** The requested or declared digest. */
  readonly expected: string;
  /** The digest of the received content. */
  readonly actual: string;

  /** Creates the error; `what` describes the content, as in `manifest of quay.io/me/app:1`. */
  constructor(what: string, expected: string, actual: string) {
    super("DIGEST_MISMATCH", `Cannot accept ${what}: its digest differs: expected ${expected}, got ${actual}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** Thrown when the store has no image for a list. Code: `LIST_IMAGE_UNKNOWN`. Go: `ErrListImageUnknown`. */
export class ListImageUnknownError extends ManifestsError {
  /** Name of the error class. */
  override readonly name: string = "ListImageUnknownError";
  /** The name or id that was looked up; `undefined` if the list has not been saved in a store. */
  readonly image: string | undefined;

  /** Creates the error for a name or id, or, for `undefined`, for a list that has not been saved. */
  constructor(image: string | undefined, options?: ManifestsErrorOptions) {
    const message = image === undefined
      ? "Cannot build a reference to the list: it has not been saved in this store: call saveToImage first"
      : `Cannot find list ${JSON.stringify(image)}: image not known`;
    super("LIST_IMAGE_UNKNOWN", message, options);
    this.image = image;
  }
}

/**
 * Returns whether `error` is an error of this module and, if `code` is given, has that code.
 *
 * @example
 * ```ts
 * import { isManifestsError, ManifestsError } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const error = new ManifestsError("NAME_IN_USE", "Cannot create a list");
 * assert.ok(isManifestsError(error));
 * assert.ok(!isManifestsError(error, "NOT_FOUND"));
 * ```
 */
export function isManifestsError(error: unknown, code?: ErrorCode): error is Error & { readonly code: ErrorCode } {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return code === undefined ? (ERROR_CODES as readonly unknown[]).includes(error.code) : error.code === code;
}
