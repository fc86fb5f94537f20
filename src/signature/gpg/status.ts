/** A line of gpg's machine-readable status output. */
export interface StatusLine {
  /** Keyword of the line, such as `VALIDSIG`. */
  readonly keyword: string;
  /** Space-separated fields after the keyword. */
  readonly fields: readonly string[];
}

const PREFIX = "[GNUPG:] ";

/**
 * Parses the status lines in gpg's output. Some of them contain bytes that are not UTF-8, such as notations, but the
 * keywords and the fields that are used are ASCII.
 */
export function parseStatus(output: Uint8Array): StatusLine[] {
  return new TextDecoder("latin1").decode(output).split("\n").filter((line) => line.startsWith(PREFIX)).map((line) => {
    const [keyword, ...fields] = line.slice(PREFIX.length).split(" ");
    return { keyword: keyword!, fields };
  });
}

/** Finds the lines with one of these keywords. */
export function findStatus(lines: readonly StatusLine[], ...keywords: string[]): StatusLine[] {
  return lines.filter(({ keyword }) => keywords.includes(keyword));
}
