import { parseSignature, type SimpleSignature } from "../../../signature/room.ts";
import { ManifestsError } from "../../../spec/room.ts";

/**
 * Parses a stored signature, which must be a binary simple signature and not ASCII armour or a clear-text signature.
 *
 * @param place Name of the signature in errors.
 * @throws {ManifestsError} With code `SIGNATURE_FORMAT_UNKNOWN`.
 */
export function parseSimpleSignature(bytes: Uint8Array<ArrayBuffer>, place: string): SimpleSignature {
  const signature = parseSignature(bytes);
  if (signature.kind === "simple") return signature;
  throw new ManifestsError("SIGNATURE_FORMAT_UNKNOWN", `Cannot read ${place}: it is not a simple signature`);
}
