import { parseSignature, type SimpleSignature } from "../../../signature/room.ts";
import { ManifestsError } from "../../../spec/room.ts";

/**
 * Reads a stored signature that must be a simple one: armour and clear text are none.
 *
 * @param place Names it in errors.
 * @throws {ManifestsError} With code `SIGNATURE_FORMAT_UNKNOWN`.
 */
export function parseSimpleSignature(bytes: Uint8Array<ArrayBuffer>, place: string): SimpleSignature {
  const signature = parseSignature(bytes);
  if (signature.kind === "simple") return signature;
  throw new ManifestsError("SIGNATURE_FORMAT_UNKNOWN", `Cannot read ${place} as it is no simple signature`);
}
