import type { CopyEvent } from "../../copy/room.ts";
import { createStyle } from "../format/style.ts";
import { measureWidth } from "../format/width.ts";
import { drawBars } from "./bars.ts";
import { formatRetry } from "../retries.ts";
import { ProgressState } from "./state.ts";

/** The terminal on which {@linkcode TerminalProgress} draws. */
export interface Terminal {
  /** Returns the current size, which changes with the window. */
  size(): { columns: number; rows: number };
  /** Writes a text that contains escape sequences. */
  write(text: string): void;
  /** Returns an environment variable; `undefined` if it is not set. */
  env(name: string): string | undefined;
  /** Returns the time, in milliseconds. */
  now(): number;
}

/** Time between two drawings, in milliseconds. */
const INTERVAL = 100;

/** Progress bars on a terminal, redrawn in place. */
export class TerminalProgress implements Disposable {
  readonly #terminal: Terminal;
  readonly #state: ProgressState;
  readonly #timer: ReturnType<typeof setInterval>;
  #drawn: string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#state = new ProgressState(() => terminal.now());
    this.#timer = setInterval(() => this.draw(), INTERVAL);
  }

  /** Applies an event. The next drawing shows it. */
  readonly onProgress = (event: CopyEvent): void => {
    this.#state.apply(event);
    if (event.type === "retrying") this.draw(`${formatRetry(event)}\n`);
  };

  /**
   * Redraws the bars.
   *
   * @param above Line to print above the bars, which stays; default: none.
   */
  draw(above = ""): void {
    const { columns, rows } = this.#terminal.size();
    const style = createStyle({ isTerminal: true, env: (name) => this.#terminal.env(name) });
    const lines = drawBars(this.#state, { columns, rows, style });
    if (lines.length === 0 && above === "") return;
    // Lines that were drawn in a wider window now take several lines.
    const taken = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(measureWidth(line) / columns)), 0);
    const back = taken > 0 ? `\x1b[${Math.min(taken, rows - 1)}A\r\x1b[J` : "";
    this.#terminal.write(`${back}${above}${lines.map((line) => `${line}\x1b[K\n`).join("")}`);
    this.#drawn = lines;
  }

  /** Stops redrawing after a last drawing, which stays on the terminal. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.draw();
  }
}
