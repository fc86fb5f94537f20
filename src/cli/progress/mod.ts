/**
 * How a command shows what happens while images move.
 *
 * @module
 */
import type { CopyEvent } from "../../copy/room.ts";
import { UsageError } from "../errors.ts";
import { formatRetry, showRetriesIn } from "./retries.ts";

/** Flags about progress. */
export interface ProgressFlags {
  quiet?: boolean;
  progress?: string;
}

/** What a command gives to what moves images. */
export interface ProgressView {
  /** Receives podman's lines. */
  readonly reportWriter?: { write(text: string): unknown };
  /** Receives events. */
  readonly onProgress?: (event: CopyEvent) => void;
}

/** The kinds of progress: `auto` draws bars on a terminal and writes lines elsewhere. */
export const PROGRESS_KINDS: readonly string[] = ["auto", "bars", "plain", "json", "none"];

const encoder = new TextEncoder();

/** Moves images while showing what the flags ask for. All of it goes to stderr. */
export async function withProgress<T>(flags: ProgressFlags, move: (view: ProgressView) => Promise<T>): Promise<T> {
  using view = await openProgress(flags);
  const { reportWriter, onProgress } = view;
  // What the copy does not repeat itself, such as looking for the registry, is shown in the same way.
  using _retries = showRetriesIn((event) => onProgress?.({ type: "retrying", ...event }));
  return await move({ ...(reportWriter ? { reportWriter } : {}), ...(onProgress ? { onProgress } : {}) });
}

async function openProgress({ quiet, progress = "auto" }: ProgressFlags): Promise<ProgressView & Disposable> {
  if (!PROGRESS_KINDS.includes(progress)) {
    throw new UsageError(`unknown progress ${JSON.stringify(progress)}: choose one of ${PROGRESS_KINDS.join(", ")}`);
  }
  const onTerminal = Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
  const kind = quiet ? "none" : progress === "auto" ? (onTerminal ? "bars" : "plain") : progress;
  const write = (text: string) => void Deno.stderr.writeSync(encoder.encode(text));
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
    // Bars were asked for where there is no terminal.
    return { columns: 80, rows: 24 };
  }
}
