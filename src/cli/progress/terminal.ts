import type { CopyEvent } from "../../copy/room.ts";
import { createStyle } from "../format/style.ts";
import { measureWidth } from "../format/width.ts";
import { drawBars } from "./bars.ts";
import { formatRetry } from "./retries.ts";
import { ProgressState } from "./state.ts";

/** A terminal to draw on. */
export interface Terminal {
  /** Its size now; it may change. */
  size(): { columns: number; rows: number };
  /** Writes text with escape sequences. */
  write(text: string): void;
  /** A variable of the environment. */
  env(name: string): string | undefined;
  /** Milliseconds of a clock. */
  now(): number;
}

/** Milliseconds between two drawings. */
const INTERVAL = 100;

/** Bars on a terminal, drawn over and over at the same place. */
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

  /** Takes an event; what it changes is seen at the next drawing. */
  readonly onProgress = (event: CopyEvent): void => {
    this.#state.apply(event);
    if (event.type === "retrying") this.draw(`${formatRetry(event)}\n`);
  };

  /** Draws how far everything is, below what is there already and `above`: a line that stays. */
  draw(above = ""): void {
    const { columns, rows } = this.#terminal.size();
    const style = createStyle({ isTerminal: true, env: (name) => this.#terminal.env(name) });
    const lines = drawBars(this.#state, { columns, rows, style });
    if (lines.length === 0 && above === "") return;
    // After the window became narrower, what was drawn takes more lines than it had.
    const taken = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(measureWidth(line) / columns)), 0);
    const back = taken > 0 ? `\x1b[${Math.min(taken, rows - 1)}A\r\x1b[J` : "";
    this.#terminal.write(`${back}${above}${lines.map((line) => `${line}\x1b[K\n`).join("")}`);
    this.#drawn = lines;
  }

  /** Draws a last time and stays as it is. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.draw();
  }
}
