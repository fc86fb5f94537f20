import { count, formatBytes, formatSeconds } from "../format/units.ts";
import type { Style } from "../format/style.ts";
import { fit, measureWidth, sanitize } from "../format/width.ts";
import type { ImageProgress, ProgressState } from "./state.ts";

/** Options for {@linkcode drawBars}. */
export interface BarsOptions {
  /** Width of the terminal, in columns. */
  readonly columns: number;
  /** Height of the terminal, in lines. */
  readonly rows: number;
  /** Style with which the bars are colored. */
  readonly style: Style;
}

const MAX_BAR = 40;
const LABEL_COLUMNS = { min: 8, max: 24 };

/** Draws the progress of a copy: one bar per image, as many as fit on the terminal, and a line with the total. */
export function drawBars(state: ProgressState, { columns, rows, style }: BarsOptions): string[] {
  if (!state.planned) return [];
  // Some terminals wrap a line that fills the last column.
  const width = columns - 1;
  const images = state.images();
  const room = Math.max(1, rows - 3);
  const shown = images.length <= room ? images : chooseVisible(images, room - 1);
  const longest = Math.max(...shown.map(({ label }) => measureWidth(sanitize(label))));
  const label = Math.min(Math.max(longest, LABEL_COLUMNS.min), LABEL_COLUMNS.max, Math.max(4, width - 12));
  const hidden = images.length - shown.length;
  return [
    ...shown.map((image) => drawImage(image, label, width, style)),
    ...(hidden > 0 ? [style.dim(fit(`… ${count(hidden, "more image")}`, width).trimEnd())] : []),
    drawTotal(state, width),
  ];
}

/** Chooses the images to show, in the order of the list: first active ones, then waiting ones, then finished ones. */
function chooseVisible(images: readonly ImageProgress[], room: number): ImageProgress[] {
  const rank = ({ active, finished }: ImageProgress) => active ? 0 : finished ? 2 : 1;
  const chosen = new Set(images.toSorted((a, b) => rank(a) - rank(b)).slice(0, Math.max(room, 1)));
  return images.filter((image) => chosen.has(image));
}

function drawImage(image: ImageProgress, labelWidth: number, width: number, style: Style): string {
  const { bytes, done, finished } = image;
  const fraction = finished ? 1 : bytes > 0 ? Math.min(done / bytes, 1) : 0;
  const label = fit(sanitize(image.label), labelWidth);
  const percent = `${Math.floor(fraction * 100)}%`.padStart(5);
  const amount = `${formatBytes(done)} / ${formatBytes(bytes)}`.padStart(19);
  const mark = finished ? style.good("✓") : " ";
  const free = width - labelWidth - 2 - percent.length;
  if (free < 10) {
    return `${mark} ${fit(`${sanitize(image.label)} ${percent.trim()}`, Math.max(width - 2, 0)).trimEnd()}`;
  }
  const withAmount = free >= 10 + 1 + amount.length;
  const bar = drawBar(fraction, Math.min(withAmount ? free - 1 - amount.length : free, MAX_BAR), style);
  return `${mark} ${label}${bar}${percent}${withAmount ? ` ${amount}` : ""}`.trimEnd();
}

function drawBar(fraction: number, width: number, style: Style): string {
  const inner = width - 3;
  const filled = Math.round(fraction * inner);
  return ` [${style.busy("█".repeat(filled))}${style.dim("·".repeat(inner - filled))}]`;
}

function drawTotal(state: ProgressState, width: number): string {
  const { images, finished, bytes, done, saved, rate, seconds } = state.total();
  const parts = [
    `${finished}/${count(images, "image")}`,
    `${formatBytes(done)} / ${formatBytes(bytes)}`,
    `${formatBytes(rate)}/s`,
    formatSeconds(seconds),
    ...(saved > 0 ? [`${formatBytes(saved)} unchanged`] : []),
    ...(state.retries.length > 0 ? [count(state.retries.length, "retry").replace("retrys", "retries")] : []),
  ];
  while (parts.length > 1 && measureWidth(parts.join("  ")) > width) parts.pop();
  return fit(parts.join("  "), width).trimEnd();
}
