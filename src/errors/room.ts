/** Error codes and error classes. For the rooms below `spec`; all other rooms import them from `spec`. */
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
export { parseNamed } from "./parse_named.ts";
