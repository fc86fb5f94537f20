/** East Asian wide and emoji: two columns of a terminal. */
const WIDE_REGEXP =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** What adds to the letter before it. */
const COMBINING_REGEXP = /[\p{Mn}\p{Me}\u200b-\u200d\ufe0f]/u;

/** Text from elsewhere as a terminal may have it: what would steer the terminal becomes visible. */
export function sanitize(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "\ufffd");
}

/** How many columns a text takes; escape sequences of our own take none. */
export function measureWidth(text: string): number {
  let width = 0;
  for (const char of stripStyle(text)) width += COMBINING_REGEXP.test(char) ? 0 : WIDE_REGEXP.test(char) ? 2 : 1;
  return width;
}

/** A text without colours. */
export function stripStyle(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

/** A text of exactly so many columns: cut with an ellipsis, or filled with blanks. It has no colours. */
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
