import type { CopyEvent } from "../../copy/room.ts";
import { formatError } from "../errors.ts";

/** Options for {@linkcode EventLines}. */
export interface EventLinesOptions {
  /** Writes one line, which ends with a line feed. */
  write(text: string): void;
  /** Returns the time, in milliseconds since 1970. */
  now(): number;
}

/** Minimum time between two lines about the same blob, in milliseconds. */
const INTERVAL = 100;

/** Writes events as lines of JSON, each with its time (RFC 3339). Frequent steps of one blob are combined into one line. */
export class EventLines {
  readonly #options: EventLinesOptions;
  readonly #steps = new Map<string, { bytes: number; since: number }>();

  constructor(options: EventLinesOptions) {
    this.#options = options;
  }

  /** Writes an event, or combines it with later ones of the same blob. */
  readonly onProgress = (event: CopyEvent): void => {
    if (event.type === "blob-progress") return this.#collect(event.digest, event.bytes);
    if (event.type === "blob-done") this.#flush(event.digest);
    this.#write("error" in event ? { ...event, error: describeError(event.error) } : event);
  };

  #collect(digest: string, bytes: number): void {
    const now = this.#options.now();
    const step = this.#steps.get(digest) ?? { bytes: 0, since: now };
    step.bytes += bytes;
    this.#steps.set(digest, step);
    if (now - step.since >= INTERVAL) this.#flush(digest);
  }

  #flush(digest: string): void {
    const step = this.#steps.get(digest);
    this.#steps.delete(digest);
    if (step) this.#write({ type: "blob-progress", digest, bytes: step.bytes });
  }

  #write(event: object): void {
    const time = new Date(this.#options.now()).toISOString();
    this.#options.write(`${JSON.stringify({ time, ...event })}\n`);
  }
}

function describeError(error: unknown): { code?: string; message: string } {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { ...(code === undefined ? {} : { code }), message: formatError(error) };
}
