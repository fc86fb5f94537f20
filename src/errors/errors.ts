/**
 * Every code that an error of this module can carry. Codes are the contract: they stay when messages change, and work
 * where `instanceof` does not (two copies of the module in one program).
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
  "CREDENTIAL_HELPER_FAILED",
  "DENIED",
  "DESTINATION_IN_USE",
  "DESTINATION_NOT_AN_IMAGE",
  "DIGEST_MISMATCH",
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
  "TRANSPORT_IO",
  "TOO_MANY_REQUESTS",
  "UNAUTHORIZED",
  "UNSUPPORTED_TRANSPORT",
] as const;

/** A stable error code; see {@linkcode ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Options of the error constructors. */
export interface ManifestsErrorOptions {
  /** What caused it. */
  cause?: unknown;
  /** Whether the same call may succeed later; default: the code and an HTTP status decide. */
  isTransient?: boolean | undefined;
}

/**
 * A domain condition, told apart by `code`.
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
  /** Error name. */
  override readonly name: string = "ManifestsError";
  /** The stable code. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later; `undefined`: the code and an HTTP status decide. */
  readonly isTransient: boolean | undefined;

  /** Creates an error with a code and a message in std's form ("Cannot … as …"). */
  constructor(code: ErrorCode, message: string, options?: ManifestsErrorOptions) {
    super(message, options);
    this.code = code;
    this.isTransient = options?.isTransient;
  }
}

/** Text that does not parse: a reference, a digest, JSON, a manifest. */
export class ManifestsSyntaxError extends SyntaxError {
  /** Error name. */
  override readonly name: string = "ManifestsSyntaxError";
  /** The stable code. */
  readonly code: ErrorCode;

  /** Creates a syntax error with a code. */
  constructor(code: ErrorCode, message: string, options?: ManifestsErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Content whose digest is not the one that was asked for or declared. */
export class DigestMismatchError extends ManifestsError {
  /** Error name. */
  override readonly name: string = "DigestMismatchError";
  /** The digest that was expected. */
  readonly expected: string;
  /** The digest of what arrived. */
  readonly actual: string;

  /** Creates the error; `what` names the content, as in `blob of …`. */
  constructor(what: string, expected: string, actual: string) {
    super("DIGEST_MISMATCH", `Cannot accept ${what} as its digest differs: expected ${expected}, got ${actual}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** The image that should hold a list is not in the store. Go: `ErrListImageUnknown`. */
export class ListImageUnknownError extends ManifestsError {
  /** Error name. */
  override readonly name: string = "ListImageUnknownError";
  /** The name or id that was looked up; `undefined` if the list was never saved, so that it has none. */
  readonly image: string | undefined;

  /** Creates the error for the image that was looked up, or for a list that was never saved. */
  constructor(image: string | undefined, options?: ManifestsErrorOptions) {
    const message = image === undefined
      ? "Cannot build a reference to the list: it was not saved in this store, so the image that holds it is not known: call saveToImage first"
      : `Cannot find a list: ${JSON.stringify(image)}: image not known`;
    super("LIST_IMAGE_UNKNOWN", message, options);
    this.image = image;
  }
}

/**
 * Whether `error` is one of this module's, and, where `code` is given, has that code.
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
