import { encodeUtf8 } from "../internal/room.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { escapeForHtml, RawJson } from "./encode.ts";
import { isObject, parseJson } from "./parse.ts";

/**
 * The members of a JSON object, each as the text that it is, so that an object may be written again with other members
 * and nothing that is not known here is lost. The text is what Go writes for a `json.RawMessage`: without white space,
 * `<`, `>`, `&`, U+2028 and U+2029 escaped, everything else as it stands.
 *
 * @param what Names the document in errors.
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON`.
 */
export function rawMembers(document: string | Uint8Array, what: string): Map<string, RawJson> {
  const bytes = typeof document === "string" ? encodeUtf8(document) : document;
  const { value, text, spans } = parseJson(bytes, what);
  if (!isObject(value)) throw new ManifestsSyntaxError("INVALID_JSON", `Cannot read ${what} as it is not an object`);
  return new Map(spans.map(({ key, start, end }) => [key, new RawJson(compactJson(text.slice(start, end)))]));
}

function compactJson(text: string): string {
  return escapeForHtml(text.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+/g, "$1"));
}
