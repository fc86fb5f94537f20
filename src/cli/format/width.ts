/** Matches East Asian wide characters and emoji, which take two columns of a terminal. */
const WIDE_REGEXP =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** Matches combining and zero-width characters, which take no column of their own. */
const COMBINING_REGEXP = /[\p{Mn}\p{Me}\u200b-\u200d\ufe0f]/u;

/** Replaces control and format characters, with which a text from a registry could manipulate the terminal. */
export function sanitize(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "\ufffd");
}

/** Measures how many columns of a terminal a text takes. Escape sequences of colors take none. */
export function measureWidth(text: string): number {
  let width = 0;
  for (const char of stripStyle(text)) width += COMBINING_REGEXP.test(char) ? 0 : WIDE_REGEXP.test(char) ? 2 : 1;
  return width;
}

/** Removes the escape sequences of colors from a text. */
export function stripStyle(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

/** Fits a text without colors into exactly `columns` columns: cut with an ellipsis, or padded with blanks. */
export function fit(text: string, columns: number): string {
  if (columns <= 0) return "";
  const cut = measureWidth(text) > columns ? `${take(text, columns - 1)}…` : text;
  return cut + " ".repeat(columns - measureWidth(cut));
}

function take(text: string, columns: number): string {
  let taken = "";
  for (const char of text) {
    if (measureWidth(taken + char) > columns) break;
    taken += char;
  }
  return taken;
}
