/** Patterns of wordings that this project does not use in comments, messages and documents. */

/** A refused wording and its replacement. */
interface Pattern {
  /** Finds the wording in prose. */
  readonly wording: RegExp;
  /** Advice on the replacement. */
  readonly instead: string;
}

/** The start of a sentence: of the text, after a full stop or colon, or after an empty line. */
const START = String.raw`(?<=^\s*|[.!?:]\s+|\n\s*\n\s*)`;

const PATTERNS: readonly Pattern[] = [
  {
    wording: new RegExp(`${START}(?:Who|What|Whoever|Whatever)\\b(?![^.!?]*\\?)`, "g"),
    instead: "name the actor or the thing",
  },
  {
    wording:
      /\bwhere (?:it|there|the|they|a|an|any|nobody|somebody|nothing|none|no|that|this|such|one|both|only|either|neither|others|its|all)\b/gi,
    instead: '"if" or "when" ("where" is for places)',
  },
  {
    wording: /(?<!\b(?:there|where|if) )\b(?:is|are|was|were|be) no (?!longer|more|less|later|earlier|other\b)[a-z]+/gi,
    instead: '"is not a …"',
  },
  { wording: /\bwants\b/gi, instead: '"requires", "needs" or "asks for"' },
  { wording: /\banew\b/gi, instead: '"again", or a verb with "re-"' },
  { wording: /\bmeanwhile\b/gi, instead: '"at the same time" or "concurrently"' },
  { wording: /\bbesides?\b/gi, instead: '"next to", "in addition to" or "concurrently with"' },
  { wording: /\bwhat is about\b|\bis about (?:it|them)\b/gi, instead: '"referrer" or "subject"' },
  { wording: /\bknows? no\b/gi, instead: '"does not know" or "does not support"' },
  {
    wording:
      /\b(?:what|which|that|it|this|file|one|policy|configuration|flag|option) counts(?=\s*(?:[.,;:)]|$|unless|for|as|again|here|too))/gi,
    instead: '"applies"',
  },
  { wording: /\bas a stranger\b|\bas strangers\b/gi, instead: '"anonymously"' },
  { wording: /\bthe real tools?\b/gi, instead: "the names of the tools, such as podman and buildah" },
  { wording: /\bfor ever\b/gi, instead: '"forever"' },
  {
    wording: /\bCannot (?:(?!: )[^\n])*? as (?:it|its|they|there|that|this|the|no|none|nothing)\b/g,
    instead: '"Cannot …: reason"',
  },
];

/** One place in a text that uses a refused wording. */
export interface Finding {
  /** Position of the wording, in UTF-16 units from the start of the text. */
  readonly index: number;
  /** The refused wording. */
  readonly found: string;
  /** Advice on the replacement. */
  readonly instead: string;
}

/** Marks a comment line, or the line after it, whose wording is right as it is; a reason must follow. */
const EXCEPTION_REGEXP = /\benglish-ok: \S+/;

/** Finds refused wordings in prose. Code in backticks is skipped. Text with an `english-ok: reason` has none. */
export function findDialect(text: string): Finding[] {
  if (EXCEPTION_REGEXP.test(text)) return [];
  // Same length, so that positions stay right.
  const prose = text.replace(/`[^`\n]*`/g, (code) => "`".repeat(code.length));
  const found = PATTERNS.flatMap(({ wording, instead }) =>
    Array.from(prose.matchAll(wording), (match) => ({ index: match.index, found: match[0].trim(), instead }))
  );
  return found.sort((a, b) => a.index - b.index);
}

/** Removes the stars and slashes of a comment, keeping the length of every line. */
export function commentProse(comment: string): string {
  return comment.replace(/^(\s*)\*/gm, "$1 ");
}

/** The number of words in a documentation comment that consists of one short sentence; `undefined` for longer ones. */
export function shortDocWords(comment: string): number | undefined {
  const text = commentProse(comment).trim();
  if (/[@{`]/.test(text) || text.includes("\n")) return undefined;
  const words = text.split(/\s+/).length;
  return words < 5 ? words : undefined;
}
