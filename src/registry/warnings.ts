import type { RegistryWarning } from "../spec/room.ts";

/**
 * Maximum number of warnings that are reported per registry, and maximum length of each, in UTF-16 units: enough for the
 * few sentences that registries send, and little enough that a hostile one cannot flood a log.
 */
const MAX_WARNINGS = 32, MAX_LENGTH = 1000;
/** Maximum length of a header that is read, in UTF-16 units: distribution-spec §Warnings asks registries to send no more. */
const MAX_HEADER = 4096;

/**
 * Returns the texts of a `Warning` header. Others than the specification allows are ignored: it requires code 299, agent
 * `-`, a quoted text and no date. `fetch` joins repeated headers with commas.
 */
export function parseWarnings(header: string): string[] {
  const found = header.slice(0, MAX_HEADER).matchAll(
    /(?:^|,)\s*(\d{3})\s+(\S+)\s+"((?:[^"\\]|\\.)*)"(?:\s+("[^"]*"))?/g,
  );
  return [...found].flatMap(([, code, agent, text, date]) => {
    if (code !== "299" || agent !== "-" || date !== undefined) return [];
    // deno-lint-ignore no-control-regex -- Control characters are removed because they could control a terminal.
    const clean = text!.replace(/\\(.)/g, "$1").replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
    return clean === "" ? [] : [clean.slice(0, MAX_LENGTH)];
  });
}

/** Reports each different warning of a registry once. */
export class WarningSink {
  readonly #host: string;
  readonly #onWarning: (warning: RegistryWarning) => void;
  readonly #reported = new Set<string>();

  constructor(host: string, onWarning: (warning: RegistryWarning) => void) {
    this.#host = host;
    this.#onWarning = onWarning;
  }

  /** Reports the warnings of a response. */
  report(response: Response): void {
    const header = response.headers.get("warning");
    for (const text of header === null ? [] : parseWarnings(header)) {
      if (this.#reported.size >= MAX_WARNINGS || this.#reported.has(text)) continue;
      this.#reported.add(text);
      this.#onWarning({ host: this.#host, text });
    }
  }
}
