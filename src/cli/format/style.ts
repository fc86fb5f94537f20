/** Colours, or none. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  busy(text: string): string;
}

/** What colours depend on. */
export interface StyleHost {
  /** Whether what is written goes to a terminal. */
  readonly isTerminal: boolean;
  /** A variable of the environment. */
  env(name: string): string | undefined;
}

/** Colours on terminals, unless `NO_COLOR` says otherwise or the terminal is a dumb one. */
export function createStyle({ isTerminal, env }: StyleHost): Style {
  const colours = isTerminal && !env("NO_COLOR") && env("TERM") !== "dumb";
  const wrap = (code: number) => (text: string) => colours && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { bold: wrap(1), dim: wrap(2), good: wrap(32), bad: wrap(31), busy: wrap(36) };
}
