import { detectContentType } from "./content_type.ts";

/** The types that Go knows without any file, by extension; those of Go 1.27. */
const BUILT_IN: Readonly<Record<string, string>> = {
  "application/msword": ".doc",
  "application/gzip": ".gz",
  "application/json": ".json",
  "application/octet-stream": ".bin .com .exe",
  "application/pdf": ".pdf",
  "application/postscript": ".ai .eps .ps",
  "application/rdf+xml": ".rdf",
  "application/rtf": ".rtf",
  "application/vnd.android.package-archive": ".apk",
  "application/vnd.ms-excel": ".xls",
  "application/vnd.ms-powerpoint": ".ppt",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
  "application/wasm": ".wasm",
  "application/xhtml+xml": ".xht .xhtml",
  "application/zip": ".zip",
  "audio/flac": ".flac",
  "audio/mp4": ".m4a",
  "audio/mpeg": ".mp3",
  "audio/ogg": ".oga .ogg .opus",
  "audio/wav": ".wav",
  "audio/webm": ".weba",
  "image/apng": ".apng",
  "image/avif": ".avif",
  "image/bmp": ".bmp",
  "image/gif": ".gif",
  "image/jpeg": ".jfif .jpeg .jpg .pjp .pjpeg",
  "image/png": ".png",
  "image/svg+xml": ".svg",
  "image/tiff": ".tif .tiff",
  "image/vnd.microsoft.icon": ".ico",
  "image/webp": ".webp",
  "image/x-xbitmap": ".xbm",
  "message/rfc822": ".eml",
  "text/calendar": ".ics",
  "text/css": ".css",
  "text/csv": ".csv",
  "text/html": ".ehtml .htm .html .shtml",
  "text/javascript": ".js .mjs",
  "text/plain": ".text .txt",
  "text/vtt": ".vtt",
  "text/xml": ".xbl .xml .xsl",
  "video/mp4": ".mp4",
  "video/ogg": ".ogv",
  "video/webm": ".webm",
};

/** The media type files of a host. */
export interface MediaTypeFiles {
  /** Text of freedesktop's `globs2`; `undefined` if there is none. */
  readonly globs?: string | undefined;
  /** Texts of `mime.types` files, of which the later ones override. They are used only if there is no `globs2`. */
  readonly types: readonly string[];
}

/** A media type: one token, or two with a slash between them. */
const TYPE_REGEXP = /^[!#$%&'*+.^`{|}~\w-]+(?:\/[!#$%&'*+.^`{|}~\w-]+)?$/;
const PARAMETERS_REGEXP = /^(?:\s*;\s*[!#$%&'*+.^`{|}~\w-]+\s*=\s*(?:[!#$%&'*+.^`{|}~\w-]+|"[^"]*"))*\s*;?\s*$/;

/** Media types by extension, found as Go's `mime.TypeByExtension` finds them. */
export class MediaTypes {
  readonly #exact = new Map<string, string>();
  readonly #lower = new Map<string, string>();

  /** Reads the files of a host, in addition to the types that are built in. */
  constructor({ globs, types }: MediaTypeFiles = { types: [] }) {
    for (const [type, extensions] of Object.entries(BUILT_IN)) {
      for (const extension of extensions.split(" ")) this.#set(extension, type);
    }
    if (globs !== undefined) this.#readGlobs(globs);
    else for (const text of types) this.#readTypes(text);
  }

  /**
   * The media type for an extension, without parameters; `undefined` if there is none. The extension as it is spelled
   * comes before other spellings.
   *
   * @param extension With its dot, as in `.txt`.
   */
  findByExtension(extension: string): string | undefined {
    return this.#exact.get(extension) ?? this.#lower.get(toLower(extension));
  }

  /** Lines `weight:type:glob…`, best first: of an extension, the first line is used, after the built-in types. */
  #readGlobs(text: string): void {
    for (const line of splitLines(text)) {
      const [weight, type, glob] = line.split(":");
      if (!weight || type === undefined || glob === undefined || weight.startsWith("#")) continue;
      const extension = /^\*(\.[^?*[]+)$/.exec(glob)?.[1];
      if (extension !== undefined && !this.#exact.has(extension)) this.#set(extension, type);
    }
  }

  /** Lines `type extension…`: the last one is used, before the built-in types. */
  #readTypes(text: string): void {
    for (const line of splitLines(text)) {
      const [type, ...extensions] = line.split(/\s+/u).filter(Boolean);
      if (type === undefined || type.startsWith("#")) continue;
      const comment = extensions.findIndex((extension) => extension.startsWith("#"));
      for (const extension of comment < 0 ? extensions : extensions.slice(0, comment)) this.#set(`.${extension}`, type);
    }
  }

  #set(extension: string, type: string): void {
    const end = type.indexOf(";");
    const base = toLower(end < 0 ? type : type.slice(0, end)).trim();
    if (!TYPE_REGEXP.test(base) || (end >= 0 && !PARAMETERS_REGEXP.test(type.slice(end)))) return;
    this.#exact.set(extension, base);
    this.#lower.set(toLower(extension), base);
  }
}

/** The media type of a file by the extension of its name, else by its first bytes. */
export function detectMediaType(name: string, head: Uint8Array, types: MediaTypes): string {
  const dot = name.lastIndexOf(".");
  return (dot < 0 ? undefined : types.findByExtension(name.slice(dot))) ?? detectContentType(head);
}

function splitLines(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/\r$/, ""));
}

/** Character by character, as Go does it: what follows does not change a letter. */
function toLower(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join("");
}
