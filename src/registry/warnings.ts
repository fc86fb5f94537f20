import type { RegistryWarning } from "../spec/room.ts";

/** How many warnings of one registry are passed on, and how long one may be, in UTF-16 units. */
const MAX_WARNINGS = 32, MAX_LENGTH = 1000;
/** How much of a header is read. */
const MAX_HEADER = 4096;

/**
 * Reads a `Warning` header. Only what the specification allows counts: code 299, agent `-`, a quoted text, no date.
 * `fetch` joins repeated headers with commas.
 */
export function parseWarnings(header: string): string[] {
  const found = header.slice(0, MAX_HEADER).matchAll(
    /(?:^|,)\s*(\d{3})\s+(\S+)\s+"((?:[^"\\]|\\.)*)"(?:\s+("[^"]*"))?/g,
  );
  return [...found].flatMap(([, code, agent, text, date]) => {
    if (code !== "299" || agent !== "-" || date !== undefined) return [];
    // deno-lint-ignore no-control-regex -- Removing them is the point: they could drive a terminal.
    const clean = text!.replace(/\\(.)/g, "$1").replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
    return clean === "" ? [] : [clean.slice(0, MAX_LENGTH)];
  });
}

/** Passes on each warning of a registry once. */
export class WarningSink {
  readonly #host: string;
  readonly #tell: (warning: RegistryWarning) => void;
  readonly #told = new Set<string>();

  constructor(host: string, tell: (warning: RegistryWarning) => void) {
    this.#host = host;
    this.#tell = tell;
  }

  /** Reports the warnings of a response. */
  report(response: Response): void {
    const header = response.headers.get("warning");
    for (const text of header === null ? [] : parseWarnings(header)) {
      if (this.#told.size >= MAX_WARNINGS || this.#told.has(text)) continue;
      this.#told.add(text);
      this.#tell({ host: this.#host, text });
    }
  }
}
