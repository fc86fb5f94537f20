import type { RegistryWarning } from "../spec/room.ts";
import { ExitError, formatError, ParseError } from "./errors.ts";
import { choosePersona, type Persona } from "./persona.ts";
import { runProgram } from "./program.ts";
import { writeStderr } from "./stderr.ts";

/** Exit code of all other errors, as in podman and buildah. */
const EXIT_FAILURE = 125;
/** Exit codes after signals: 128 plus the number of the signal, as in shells. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
/** Maximum time for cleaning up after a signal, in milliseconds. */
const CLEANUP_TIMEOUT = 5_000;

/**
 * Runs a command line and returns its exit code.
 *
 * @param calledAs Path or name with which the program was called; it selects the persona.
 * @param options.cleanupTimeout Maximum time for cleaning up after a signal, in milliseconds; default: 5,000.
 */
export async function run(
  args: readonly string[],
  calledAs = "",
  { cleanupTimeout = CLEANUP_TIMEOUT }: { cleanupTimeout?: number } = {},
): Promise<number> {
  using interrupt = listenForSignals(cleanupTimeout);
  let persona: Persona | undefined;
  const warnings: string[] = [];
  try {
    persona = choosePersona(Deno.env.get("MANIFESTS_PERSONA"), calledAs);
    const onWarning = ({ host, text }: RegistryWarning) => void warnings.push(`${host}: ${text}`);
    await runProgram(args, persona, { signal: interrupt.signal, onWarning });
    return 0;
  } catch (error) {
    printLine("Error", formatFailure(interrupt.signal.aborted ? interrupt.signal.reason : error, persona));
    if (interrupt.signal.aborted) return interrupt.signal.reason.exitCode;
    return error instanceof ExitError ? error.exitCode : EXIT_FAILURE;
  } finally {
    // Printed last, so that progress bars do not overwrite them.
    for (const warning of warnings) printLine("Warning", warning);
  }
}

/**
 * Returns an abort signal for SIGINT and SIGTERM. The command has `cleanupTimeout` milliseconds to clean up; a second
 * signal ends it at once.
 */
function listenForSignals(cleanupTimeout: number): Disposable & { readonly signal: AbortSignal } {
  const interrupt = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => {
    const onSignal = () => {
      if (interrupt.signal.aborted) Deno.exit(code);
      const word = signal === "SIGINT" ? "interrupted" : "terminated";
      // Cleaning up can take seconds. Without this line, the user would not see that the signal arrived.
      printLine(signal === "SIGINT" ? "Interrupted" : "Terminated", "cleaning up; a second signal exits at once");
      timer = setTimeout(() => {
        printLine("Error", `${word}: cleaning up took longer than ${cleanupTimeout / 1000} s`);
        Deno.exit(code);
      }, cleanupTimeout);
      interrupt.abort(new ExitError(code, word));
    };
    return [signal as Deno.Signal, onSignal] as const;
  });
  const supported = listeners.filter(([signal]) => Deno.build.os !== "windows" || signal === "SIGINT");
  for (const [signal, onSignal] of supported) Deno.addSignalListener(signal, onSignal);
  return {
    signal: interrupt.signal,
    [Symbol.dispose]: () => {
      // Loading the timers takes Deno 6 ms.
      if (timer !== undefined) clearTimeout(timer);
      for (const [signal, onSignal] of supported) Deno.removeSignalListener(signal, onSignal);
    },
  };
}

function formatFailure(error: unknown, persona: Persona | undefined): string {
  // A reader that closed the pipe, such as `head`, has all the output that it needs.
  if (error instanceof Deno.errors.BrokenPipe) return "";
  // Other messages become one line. Podman and buildah print these on several lines.
  if (error instanceof ExitError) return error.message;
  const text = formatError(error);
  if (!(error instanceof ParseError)) return text;
  const help = `See '${error.command || persona?.command} --help'`;
  return persona?.name === "podman" ? `${text}\n${help}` : persona?.name === "buildah" ? text : `${text}. ${help}`;
}

function printLine(kind: "Error" | "Warning" | "Interrupted" | "Terminated", text: string): void {
  // Messages can quote a registry, which must not send control characters to the terminal.
  const safe = text.replace(/[^\P{Cc}\n\t]/gu, "\ufffd");
  try {
    if (text !== "") writeStderr(`${kind}: ${safe}\n`);
  } catch {
    // Standard error is closed. The exit code still reports the failure.
  }
}
