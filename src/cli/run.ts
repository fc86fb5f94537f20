import { CommanderError } from "commander";
import { ExitError, formatError } from "./errors.ts";
import { normalizeArguments } from "./flags.ts";
import { createProgram } from "./program.ts";

/** Everything else that goes wrong, as with podman and buildah. */
const EXIT_FAILURE = 125;
/** Interrupted from the keyboard: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;

/** Runs a command line and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = () => {
    // The first Ctrl-C lets the command clean up; the second does not wait for that.
    if (interrupt.signal.aborted) Deno.exit(EXIT_INTERRUPTED);
    interrupt.abort(new ExitError(EXIT_INTERRUPTED, "interrupted"));
  };
  Deno.addSignalListener("SIGINT", onInterrupt);
  try {
    await createProgram(interrupt.signal).parseAsync(normalizeArguments(args), { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_FAILURE;
    // A reader that has seen enough, such as `head`, is no failure to talk about.
    printError(error instanceof Deno.errors.BrokenPipe ? "" : formatError(error));
    return error instanceof ExitError ? error.exitCode : EXIT_FAILURE;
  } finally {
    Deno.removeSignalListener("SIGINT", onInterrupt);
  }
}

function printError(text: string): void {
  try {
    if (text !== "") Deno.stderr.writeSync(new TextEncoder().encode(`Error: ${text}\n`));
  } catch {
    // Nobody listens any more; the exit code still tells.
  }
}
