/** Number of bytes at the beginning of a file that decide about its type (WHATWG MIME Sniffing, resource header). */
export const SNIFF_LENGTH = 512;

/** Stands for any byte in a pattern. */
const ANY = "\u0100";

/** A tag that begins an HTML document; a space or `>` follows it. */
const HTML_REGEXP = /^<(?:!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P|!--)[ >]/i;

/** Patterns of the WHATWG MIME Sniffing standard that Go's `http.DetectContentType` knows, in its order. */
const PATTERNS: readonly (readonly [pattern: string, type: string])[] = [
  ["%PDF-", "application/pdf"],
  ["%!PS-Adobe-", "application/postscript"],
  // Byte order marks; Go asks for four bytes of each.
  [`\xfe\xff${ANY}${ANY}`, "text/plain"],
  [`\xff\xfe${ANY}${ANY}`, "text/plain"],
  [`\xef\xbb\xbf${ANY}`, "text/plain"],
  ["\x00\x00\x01\x00", "image/x-icon"],
  ["\x00\x00\x02\x00", "image/x-icon"],
  ["BM", "image/bmp"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  [`RIFF${ANY.repeat(4)}WEBPVP`, "image/webp"],
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  [`FORM${ANY.repeat(4)}AIFF`, "audio/aiff"],
  ["ID3", "audio/mpeg"],
  ["OggS\x00", "application/ogg"],
  ["MThd\x00\x00\x00\x06", "audio/midi"],
  [`RIFF${ANY.repeat(4)}AVI `, "video/avi"],
  [`RIFF${ANY.repeat(4)}WAVE`, "audio/wave"],
  ["\x1a\x45\xdf\xa3", "video/webm"],
  [`${ANY.repeat(34)}LP`, "application/vnd.ms-fontobject"],
  ["\x00\x01\x00\x00", "font/ttf"],
  ["OTTO", "font/otf"],
  ["ttcf", "font/collection"],
  ["wOFF", "font/woff"],
  ["wOF2", "font/woff2"],
  ["\x1f\x8b\x08", "application/x-gzip"],
  ["PK\x03\x04", "application/zip"],
  ["Rar!\x1a\x07\x00", "application/x-rar-compressed"],
  ["Rar!\x1a\x07\x01\x00", "application/x-rar-compressed"],
  ["\x00asm", "application/wasm"],
];

/** Where video/mp4 stands among the patterns: before the one of video/webm. */
const AFTER_MP4 = PATTERNS.findIndex(([, type]) => type === "video/webm");

/**
 * The media type of content by its first {@linkcode SNIFF_LENGTH} bytes, without parameters, as Go's
 * `http.DetectContentType` finds it.
 */
export function detectContentType(head: Uint8Array): string {
  const text = String.fromCharCode(...head.subarray(0, SNIFF_LENGTH));
  const trimmed = text.replace(/^[\t\n\f\r ]+/, "");
  if (HTML_REGEXP.test(trimmed)) return "text/html";
  if (trimmed.startsWith("<?xml")) return "text/xml";
  const found = PATTERNS.findIndex(([pattern]) => startsWithPattern(text, pattern));
  if ((found < 0 || found >= AFTER_MP4) && isMp4(text)) return "video/mp4";
  if (found >= 0) return PATTERNS[found]![1];
  // deno-lint-ignore no-control-regex -- Control characters are what makes content binary.
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(trimmed) ? "application/octet-stream" : "text/plain";
}

function startsWithPattern(text: string, pattern: string): boolean {
  if (text.length < pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] !== ANY && pattern[i] !== text[i]) return false;
  }
  return true;
}

/** The standard's signature for MP4: a box `ftyp` with a brand that begins with `mp4`, except its minor version. */
function isMp4(text: string): boolean {
  if (text.length < 12 || text.slice(4, 8) !== "ftyp") return false;
  const size = [0, 1, 2, 3].reduce((sum, i) => sum * 256 + text.charCodeAt(i), 0);
  if (text.length < size || size % 4 !== 0) return false;
  for (let at = 8; at < size; at += 4) {
    if (at !== 12 && text.startsWith("mp4", at)) return true;
  }
  return false;
}
