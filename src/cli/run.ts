import type { RegistryWarning } from "../spec/room.ts";
import { ExitError, formatError, ParseError } from "./errors.ts";
import { choosePersona, type Persona } from "./persona.ts";
import { runProgram } from "./program.ts";

/** Everything else that goes wrong, as with podman and buildah. */
const EXIT_FAILURE = 125;
/** Exit codes of the signals that end a command: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs a command line and returns its exit code.
 *
 * @param calledAs The name by which the program was called.
 */
export async function run(args: readonly string[], calledAs = ""): Promise<number> {
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
    for (const [signal, onSignal] of supported) Deno.removeSignalListener(signal, onSignal);
  }
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

function printLine(kind: "Error" | "Warning", text: string): void {
  // What registries say must not steer the terminal.
  const safe = text.replace(/[^\P{Cc}\n\t]/gu, "\ufffd");
  try {
    if (text !== "") Deno.stderr.writeSync(new TextEncoder().encode(`${kind}: ${safe}\n`));
  } catch {
    // Nobody listens any more; the exit code still tells.
  }
}
