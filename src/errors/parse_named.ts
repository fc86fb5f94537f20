import { DigestMismatchError, isManifestsError, ManifestsError, ManifestsSyntaxError } from "./errors.ts";

/**
 * Parses a document. The parser does not know its place, so its errors get it here, and keep their code:
 * `Cannot use <what>: <message of the parser>`.
 *
 * @param what The document and its place, as in `manifest sha256:… of docker://quay.io/me/app:1`.
 */
export function parseNamed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    // A wrong digest is an error of its own class, which names the document already.
    if (!isManifestsError(cause) || cause instanceof DigestMismatchError) throw cause;
    const NamedError = cause instanceof SyntaxError ? ManifestsSyntaxError : ManifestsError;
    throw new NamedError(cause.code, `Cannot use ${what}: ${cause.message}`, { cause });
  }
}
