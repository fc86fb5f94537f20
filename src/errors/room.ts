/** Error codes and error classes, for the rooms below `spec`; all other rooms take them from there. */
export {
  DigestMismatchError,
  ERROR_CODES,
  type ErrorCode,
  isManifestsError,
  ListImageUnknownError,
  ManifestsError,
  type ManifestsErrorOptions,
  ManifestsSyntaxError,
} from "./errors.ts";
