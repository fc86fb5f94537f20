/** One line of what gpg says to programs: a keyword and its fields. */
export interface StatusLine {
  /** As in `VALIDSIG`. */
  readonly keyword: string;
  /** What follows. */
  readonly fields: readonly string[];
}

const PREFIX = "[GNUPG:] ";

/**
 * The status lines in what gpg wrote. Bytes that are not UTF-8 stand in some of them, such as in notations; keywords
 * and the fields that are read here are ASCII.
 */
export function parseStatus(output: Uint8Array): StatusLine[] {
  return new TextDecoder("latin1").decode(output).split("\n").filter((line) => line.startsWith(PREFIX)).map((line) => {
    const [keyword, ...fields] = line.slice(PREFIX.length).split(" ");
    return { keyword: keyword!, fields };
  });
}

/** The lines with one of these keywords. */
export function findStatus(lines: readonly StatusLine[], ...keywords: string[]): StatusLine[] {
  return lines.filter(({ keyword }) => keywords.includes(keyword));
}
