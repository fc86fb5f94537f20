import { CLI } from "./cli.ts";
import { ok } from "./peers.ts";

/** A window of a real terminal in which a command runs. */
export interface TestTerminal extends AsyncDisposable {
  /** The lines that are seen once they fulfil a condition. */
  waitFor(condition: (lines: string[]) => boolean): Promise<string[]>;
  /** Types text; `\n` is the key for the end of a line. */
  type(text: string): Promise<void>;
  /** Makes the window another size. */
  resize(columns: number, rows: number): Promise<void>;
}

/** Runs our command line in tmux, with a shell around it that stays when it has ended and prints its exit code. */
export async function runInTerminal(
  args: readonly string[],
  { columns, rows }: { columns: number; rows: number },
): Promise<TestTerminal> {
  const socket = `manifests-${crypto.randomUUID()}`;
  const tmux = (...words: string[]) => ok(["tmux", "-L", socket, "-f", "/dev/null", ...words], { LC_ALL: "C.UTF-8" });
  const quoted = [...CLI, ...args].map((word) => `'${word}'`).join(" ");
  const size = ["-x", String(columns), "-y", String(rows)];
  await tmux("new-session", "-d", ...size, `env NO_COLOR= ${quoted}; echo "exit code $?"; exec cat`);
  const capture = async () => (await tmux("capture-pane", "-p")).split("\n").map((line) => line.trimEnd());
  return {
    async waitFor(condition) {
      let lines: string[] = [];
      for (let tries = 0; tries < 400; tries++) {
        lines = await capture();
        if (condition(lines)) return lines;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      throw new Error(`The terminal does not show what is waited for:\n${lines.join("\n")}`);
    },
    type: async (text) => void await tmux("send-keys", "-l", text),
    resize: async (columns, rows) => void await tmux("resize-window", "-x", String(columns), "-y", String(rows)),
    [Symbol.asyncDispose]: async () => void await tmux("kill-server"),
  };
}
