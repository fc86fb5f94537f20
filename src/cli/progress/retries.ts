import type { RetryEvent } from "../../spec/room.ts";
import { formatError } from "../errors.ts";
import { sanitize } from "../format/width.ts";

/** Shows that something failed and will be tried again. */
export type ShowRetry = (event: RetryEvent) => void;

/** The line about a retry, as in `Warning: GET https://r.example/v2/: no answer, retrying in 2 s (1/3)`. */
export function formatRetry({ step, attempt, maxRetries, delay, error }: RetryEvent): string {
  // Up to a tenth is jitter.
  const seconds = delay < 950 ? Math.round(delay / 100) / 10 : Math.round(delay / 1000);
  return sanitize(`Warning: ${step}: ${formatError(error)}, retrying in ${seconds} s (${attempt}/${maxRetries})`);
}

const writeLine: ShowRetry = (event) => void Deno.stderr.writeSync(new TextEncoder().encode(`${formatRetry(event)}\n`));
/** How retries are shown now: stderr, and so what is drawn on it, is one for the whole process. */
let shown = writeLine;

/** Shows a retry in the progress view that is open, or else as a line on stderr. */
export const showRetry: ShowRetry = (event) => shown(event);

/** Lets a progress view show retries until the result is disposed. */
export function showRetriesIn(view: ShowRetry): Disposable {
  const before = shown;
  shown = view;
  return { [Symbol.dispose]: () => void (shown = before) };
}
