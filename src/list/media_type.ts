/** Types by extension: Go's built-in table, which is what libimage has where a system has no `mime.types`. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  ".avif": "image/avif",
  ".css": "text/css",
  ".gif": "image/gif",
  ".htm": "text/html",
  ".html": "text/html",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
  ".xml": "text/xml",
};

/** How many bytes of a file decide about its type. */
export const SNIFF_LENGTH = 512;

type Signature = readonly [prefix: string, type: string];

/** Signatures of the WHATWG MIME Sniffing standard, those that Go's `http.DetectContentType` knows. */
const SIGNATURES: readonly Signature[] = [
  ["%PDF-", "application/pdf"],
  ["%!PS-Adobe-", "application/postscript"],
  ["\xfe\xff", "text/plain"],
  ["\xff\xfe", "text/plain"],
  ["\xef\xbb\xbf", "text/plain"],
  ["\x00\x00\x01\x00", "image/x-icon"],
  ["\x00\x00\x02\x00", "image/x-icon"],
  ["BM", "image/bmp"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["OggS\x00", "application/ogg"],
  ["MThd\x00\x00\x00\x06", "audio/midi"],
  ["ID3", "audio/mpeg"],
  ["\x1aE\xdf\xa3", "video/webm"],
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

const HTML_TAGS = [
  "!DOCTYPE HTML",
  "HTML",
  "HEAD",
  "SCRIPT",
  "IFRAME",
  "H1",
  "DIV",
  "FONT",
  "TABLE",
  "A",
  "STYLE",
  "TITLE",
  "B",
  "BODY",
  "BR",
  "P",
];

/** The media type of a file by the extension of its name, else by its first {@linkcode SNIFF_LENGTH} bytes. */
export function mediaTypeOfFile(name: string, head: Uint8Array): string {
  const dot = name.lastIndexOf(".");
  const known = dot < 0 ? undefined : BY_EXTENSION[name.slice(dot).toLowerCase()];
  return known ?? sniff(String.fromCharCode(...head.subarray(0, SNIFF_LENGTH)));
}

function sniff(head: string): string {
  const trimmed = head.replace(/^[\t\n\f\r ]+/, "");
  const upper = trimmed.toUpperCase();
  if (HTML_TAGS.some((tag) => upper.startsWith(`<${tag}`) && /^[ >]/.test(upper.slice(tag.length + 1)))) {
    return "text/html";
  }
  if (trimmed.startsWith("<!--")) return "text/html";
  if (trimmed.startsWith("<?xml")) return "text/xml";
  const signature = SIGNATURES.find(([prefix]) => head.startsWith(prefix));
  if (signature) return signature[1];
  const riff = /^(RIFF|FORM)[^]{4}(WEBPVP|WAVE|AVI |AIFF)/.exec(head);
  if (riff) {
    return { "WEBPVP": "image/webp", "WAVE": "audio/wave", "AVI ": "video/avi", "AIFF": "audio/aiff" }[riff[2]!]!;
  }
  if (/^[^]{4}ftyp/.test(head) && head.slice(8).includes("mp4")) return "video/mp4";
  // deno-lint-ignore no-control-regex -- Control characters are what makes content binary.
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(head) ? "application/octet-stream" : "text/plain";
}
