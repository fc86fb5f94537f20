import { ManifestsSyntaxError } from "../../spec/room.ts";

/** The image that a reference names: by name or by position; `undefined`: the only one, or one without a name. */
export type LayoutImage = { readonly name: string } | { readonly position: number } | undefined;

/** Components between `/` are alphanumeric runs with one separator, or two dashes, between them. */
const IMAGE_REGEXP = /^(?:[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/(?!$)|$))+$/;

/** Drive letter of a Windows path, whose colon does not end the path. */
const DRIVE_REGEXP = /^[A-Za-z]:\\/;

/**
 * Parses `PATH`, `PATH:IMAGE` or, if `allowIndex` is true, `PATH:@N`: the path ends at the first colon. Unlike c/image,
 * this rejects an empty path: it usually comes from an unset variable in a script, and would name the current folder.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
 */
export function parseOciName(text: string, allowIndex: boolean): { path: string; image: LayoutImage } {
  const colon = text.indexOf(":", DRIVE_REGEXP.test(text) ? 2 : 0);
  const path = colon < 0 ? text : text.slice(0, colon);
  const image = colon < 0 ? "" : text.slice(colon + 1);
  if (path === "") throw invalid(text, "it has no path");
  if (image === "") return { path, image: undefined };
  if (allowIndex && image.startsWith("@")) return { path, image: { position: parsePosition(text, image.slice(1)) } };
  if (!IMAGE_REGEXP.test(image)) throw invalid(text, `invalid image ${JSON.stringify(image)}`);
  return { path, image: { name: image } };
}

/** Returns the text for an image that follows the path and a colon. */
export function formatLayoutImage(image: LayoutImage): string {
  if (!image) return "";
  return "name" in image ? image.name : `@${image.position}`;
}

function parsePosition(text: string, digits: string): number {
  if (/^-\d+$/.test(digits)) throw invalid(text, `invalid source index @${digits}: must not be negative`);
  if (!/^\d{1,9}$/.test(digits)) throw invalid(text, `invalid source index @${digits}: not an integer`);
  return Number(digits);
}

function invalid(text: string, problem: string): ManifestsSyntaxError {
  return new ManifestsSyntaxError(
    "INVALID_REFERENCE",
    `Cannot parse OCI reference ${JSON.stringify(text)}: ${problem}`,
  );
}
