import { CommanderError } from "commander";
import { ExitError, formatError } from "./errors.ts";
import { normalizeArguments } from "./flags.ts";
import { createProgram } from "./program.ts";

/** Everything else that goes wrong, as with podman and buildah. */
const EXIT_FAILURE = 125;
/** Exit codes of the signals that end a command: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs a command line and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => {
    const onSignal = () => {
      // The first lets the command clean up; the second does not wait for that.
      if (interrupt.signal.aborted) Deno.exit(code);
      interrupt.abort(new ExitError(code, signal === "SIGINT" ? "interrupted" : "terminated"));
    };
    return [signal as Deno.Signal, onSignal] as const;
  });
  const supported = listeners.filter(([signal]) => Deno.build.os !== "windows" || signal === "SIGINT");
  for (const [signal, onSignal] of supported) Deno.addSignalListener(signal, onSignal);
  try {
    await createProgram(interrupt.signal).parseAsync(normalizeArguments(args), { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_FAILURE;
    // A reader that has seen enough, such as `head`, is no failure to talk about.
    printError(error instanceof Deno.errors.BrokenPipe ? "" : formatError(error));
    return error instanceof ExitError ? error.exitCode : EXIT_FAILURE;
  } finally {
    for (const [signal, onSignal] of supported) Deno.removeSignalListener(signal, onSignal);
  }
}

function printError(text: string): void {
  try {
    if (text !== "") Deno.stderr.writeSync(new TextEncoder().encode(`Error: ${text}\n`));
  } catch {
    // Nobody listens any more; the exit code still tells.
  }
}
