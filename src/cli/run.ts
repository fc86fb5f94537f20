import type { RegistryWarning } from "../spec/room.ts";
import { ExitError, formatError, ParseError } from "./errors.ts";
import { choosePersona, type Persona } from "./persona.ts";
import { runProgram } from "./program.ts";

/** Everything else that goes wrong, as with podman and buildah. */
const EXIT_FAILURE = 125;
/** Exit codes of the signals that end a command: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
/** How long cleaning up after a signal may take, in milliseconds. */
const CLEANUP_TIMEOUT = 5_000;

/**
 * Runs a command line and returns its exit code.
 *
 * @param calledAs The name by which the program was called.
 * @param options.cleanupTimeout How long cleaning up after a signal may take, in milliseconds; default: 5,000.
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
    printLine("Error", explain(interrupt.signal.aborted ? interrupt.signal.reason : error, persona));
    if (interrupt.signal.aborted) return interrupt.signal.reason.exitCode;
    return error instanceof ExitError ? error.exitCode : EXIT_FAILURE;
  } finally {
    // After everything, where no bar is drawn over them.
    for (const warning of warnings) printLine("Warning", warning);
  }
}

/** A signal that SIGINT and SIGTERM abort. The command then has a while to clean up; a second one ends it at once. */
function listenForSignals(cleanupTimeout: number): Disposable & { readonly signal: AbortSignal } {
  const interrupt = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => {
    const onSignal = () => {
      if (interrupt.signal.aborted) Deno.exit(code);
      const word = signal === "SIGINT" ? "interrupted" : "terminated";
      // Said at once: until the command has ended, nothing else would show that the signal arrived.
      printLine(signal === "SIGINT" ? "Interrupted" : "Terminated", "cleaning up; a second signal exits at once");
      timer = setTimeout(() => {
        printLine("Error", `${word}: cleaning up took more than ${cleanupTimeout / 1000} s`);
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
      clearTimeout(timer);
      for (const [signal, onSignal] of supported) Deno.removeSignalListener(signal, onSignal);
    },
  };
}

function explain(error: unknown, persona: Persona | undefined): string {
  // A reader that has seen enough, such as `head`, is no failure to talk about.
  if (error instanceof Deno.errors.BrokenPipe) return "";
  // Its lines are meant.
  if (error instanceof ExitError) return error.message;
  const text = formatError(error);
  if (!(error instanceof ParseError)) return text;
  const help = `See '${error.command || persona?.command} --help'`;
  return persona?.name === "podman" ? `${text}\n${help}` : persona?.name === "buildah" ? text : `${text}. ${help}`;
}

function printLine(kind: "Error" | "Warning" | "Interrupted" | "Terminated", text: string): void {
  // What registries say must not steer the terminal.
  const safe = text.replace(/[^\P{Cc}\n\t]/gu, "\ufffd");
  try {
    if (text !== "") Deno.stderr.writeSync(new TextEncoder().encode(`${kind}: ${safe}\n`));
  } catch {
    // Nobody listens any more; the exit code still tells.
  }
}
