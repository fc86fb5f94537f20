import type { RetryEvent } from "../spec/room.ts";
import { formatError } from "./errors.ts";
import { sanitize } from "./format/width.ts";
import { writeStderr } from "./stderr.ts";

/** Function that shows a failed step that will be tried again. */
export type ShowRetry = (event: RetryEvent) => void;

/** Formats a retry as a line: `Warning: GET https://r.example/v2/: no answer, retrying in 2 s (1/3)`. */
export function formatRetry({ step, attempt, maxRetries, delay, error }: RetryEvent): string {
  // Delays include up to 10 % of random jitter, so exact milliseconds would only confuse.
  const seconds = delay < 950 ? Math.round(delay / 100) / 10 : Math.round(delay / 1000);
  return sanitize(`Warning: ${step}: ${formatError(error)}, retrying in ${seconds} s (${attempt}/${maxRetries})`);
}

const writeLine: ShowRetry = (event) => writeStderr(`${formatRetry(event)}\n`);
/** Current way of showing retries. It is global, as standard error is shared by the whole process. */
let showCurrently = writeLine;

/** Shows a retry in the open progress view, or else as a line on standard error. */
export const showRetry: ShowRetry = (event) => showCurrently(event);

/** Shows retries in a progress view until the result is disposed. */
export function showRetriesIn(view: ShowRetry): Disposable {
  const previous = showCurrently;
  showCurrently = view;
  return { [Symbol.dispose]: () => void (showCurrently = previous) };
}
