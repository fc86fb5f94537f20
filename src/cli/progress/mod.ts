/**
 * Progress of copies on standard error: bars, plain lines or JSON events.
 *
 * @module
 */
import type { CopyEvent } from "../../copy/room.ts";
import { UsageError } from "../errors.ts";
import { formatRetry, showRetriesIn } from "../retries.ts";
import { writeStderr } from "../stderr.ts";

/** Flags about the progress display. */
export interface ProgressFlags {
  quiet?: boolean;
  progress?: string;
}

/** Callbacks with which a copy reports its progress. */
export interface ProgressView {
  /** Receives the lines that podman prints; `undefined`: they are not shown. */
  readonly reportWriter?: { write(text: string): unknown };
  /** Receives the events of the copy; `undefined`: they are not shown. */
  readonly onProgress?: (event: CopyEvent) => void;
}

/** Values of `--progress`. `auto` draws bars on a terminal, and otherwise writes plain lines. */
export const PROGRESS_KINDS: readonly string[] = ["auto", "bars", "plain", "json", "none"];

/**
 * Runs a copy and shows its progress on standard error.
 *
 * @throws {UsageError} `--progress` has an unknown value.
 */
export async function withProgress<T>(flags: ProgressFlags, run: (view: ProgressView) => Promise<T>): Promise<T> {
  using view = await openProgress(flags);
  const { reportWriter, onProgress } = view;
  // Retries outside of the copy, such as those of the first request to a registry, are shown in the same way.
  using _retries = showRetriesIn((event) => onProgress?.({ type: "retrying", ...event }));
  return await run({ ...(reportWriter ? { reportWriter } : {}), ...(onProgress ? { onProgress } : {}) });
}

async function openProgress({ quiet, progress = "auto" }: ProgressFlags): Promise<ProgressView & Disposable> {
  if (!PROGRESS_KINDS.includes(progress)) {
    throw new UsageError(`unknown progress ${JSON.stringify(progress)}: choose one of ${PROGRESS_KINDS.join(", ")}`);
  }
  const onTerminal = Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
  const kind = quiet ? "none" : progress === "auto" ? (onTerminal ? "bars" : "plain") : progress;
  const write = writeStderr;
  switch (kind) {
    case "bars": {
      const { TerminalProgress } = await import("./terminal.ts");
      return new TerminalProgress({ size: terminalSize, write, env: (name) => Deno.env.get(name), now: Date.now });
    }
    case "json": {
      const { EventLines } = await import("./events.ts");
      const { onProgress } = new EventLines({ write, now: Date.now });
      return { onProgress, [Symbol.dispose]: () => {} };
    }
    case "plain": {
      const onProgress = (event: CopyEvent) => {
        if (event.type === "retrying") write(`${formatRetry(event)}\n`);
      };
      return { reportWriter: { write }, onProgress, [Symbol.dispose]: () => {} };
    }
    default:
      return { [Symbol.dispose]: () => {} };
  }
}

function terminalSize(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    // `--progress=bars` without a terminal.
    return { columns: 80, rows: 24 };
  }
}
