import { encodeUtf8 } from "../internal/room.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { escapeForHtml, RawJson } from "./encode.ts";
import { isObject, parseJson } from "./parse.ts";

/**
 * Reads the members of a JSON object as JSON text, so that the object can be written with some members changed and
 * unknown members kept. The text is what Go writes for a `json.RawMessage`: without white space; `<`, `>`, `&`, U+2028
 * and U+2029 escaped; otherwise unchanged.
 *
 * @param what Name of the document in errors.
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` if the document is not a JSON object.
 */
export function rawMembers(document: string | Uint8Array, what: string): Map<string, RawJson> {
  const bytes = typeof document === "string" ? encodeUtf8(document) : document;
  const { value, text, spans } = parseJson(bytes, what);
  if (!isObject(value)) throw new ManifestsSyntaxError("INVALID_JSON", `Cannot read ${what}: not a JSON object`);
  return new Map(spans.map(({ key, start, end }) => [key, new RawJson(compactJson(text.slice(start, end)))]));
}

function compactJson(text: string): string {
  return escapeForHtml(text.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g, "$1"));
}
