/** Functions that color a text; without colors, they return it unchanged. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  busy(text: string): string;
}

/** The environment that decides about colors. */
export interface StyleHost {
  /** Whether the output goes to a terminal. */
  readonly isTerminal: boolean;
  /** Returns an environment variable; `undefined` if it is not set. */
  env(name: string): string | undefined;
}

/** Creates a style: colors on terminals, unless `NO_COLOR` is set or `TERM` is `dumb`. */
export function createStyle({ isTerminal, env }: StyleHost): Style {
  const colors = isTerminal && !env("NO_COLOR") && env("TERM") !== "dumb";
  const wrap = (code: number) => (text: string) => colors && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { bold: wrap(1), dim: wrap(2), good: wrap(32), bad: wrap(31), busy: wrap(36) };
}
