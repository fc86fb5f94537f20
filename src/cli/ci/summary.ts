import { sanitize } from "../format/width.ts";
import { formatBytes } from "../format/units.ts";
import { getIndexAnnotations, listEntries, type Publication } from "./publication.ts";

/**
 * Maximum length of a value, in characters. Annotations can be as large as a manifest; with the other limits, the summary
 * stays below GitHub's limit of 1 MiB even if every character is escaped.
 */
const MAX_LENGTH = 120;
/** Maximum number of rows of a table, and of names. */
const MAX_ROWS = 100;
/** Maximum number of annotations of an entry. */
const MAX_ENTRY_ANNOTATIONS = 3;

/** Formats a publication as Markdown, for the summary of a job. */
export function formatSummary(publication: Publication): string {
  const { digest, references, tags, unchanged, manifest } = publication;
  const entries = listEntries(manifest).map(({ platform, digest, size, annotations }) => [
    escapeMarkdown(platform),
    formatCode(digest),
    formatBytes(size),
    formatEntryAnnotations(annotations),
  ]);
  const annotations = Object.entries(getIndexAnnotations(manifest))
    .map(([key, value]) => [escapeMarkdown(key), escapeMarkdown(value)]);
  // Several indexes have no digest in common.
  const names = digest === undefined ? [...tags, ...references] : tags.length > 0 ? tags : references;
  return [
    `### ${unchanged ? "Already published" : "Published"} ${digest === undefined ? "" : formatCode(digest)}`.trimEnd() +
    "\n",
    ...(names.length === 0 ? [] : [names.slice(0, MAX_ROWS).map((name) => `- ${formatCode(name)}\n`).join("")]),
    ...(manifest ? [`${escapeMarkdown(manifest.mediaType)}\n`] : []),
    ...formatTable(["Platform", "Digest", "Manifest", "Annotations"], entries),
    ...formatTable(["Annotation of the index", "Value"], annotations),
  ].join("\n") + "\n";
}

function formatEntryAnnotations(annotations: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(annotations).map(([key, value]) => `${escapeMarkdown(key)}=${escapeMarkdown(value)}`);
  const more = pairs.length > MAX_ENTRY_ANNOTATIONS ? ["…"] : [];
  return [...pairs.slice(0, MAX_ENTRY_ANNOTATIONS), ...more].join("<br>");
}

/** Formats a table; nothing without rows. Cells are Markdown. */
function formatTable(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const more = rows.length - MAX_ROWS;
  const shown = [titles, titles.map(() => "---"), ...rows.slice(0, MAX_ROWS)];
  const lines = shown.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  return [more > 0 ? `${lines}\n… and ${more} more\n` : lines];
}

/**
 * Escapes text from a registry so that it has no effect in Markdown, HTML and tables. Punctuation becomes entities, which
 * never start a construct.
 */
export function escapeMarkdown(text: string): string {
  const short = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  return sanitize(short.replace(/[\r\n\t]+/g, " ")).replace(
    /[^\p{L}\p{M}\p{N} .,/=+();…\ufffd-]/gu,
    (char) => `&#${char.codePointAt(0)};`,
  );
}

/** Formats a digest or a reference as code. Their grammars leave nothing to escape; any other text is escaped. */
function formatCode(text: string): string {
  return /^[\w.:/@+[\]-]+$/.test(text) ? `\`${text}\`` : escapeMarkdown(text);
}
