import { findSimilar, VERSION } from "../internal/room.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition } from "./definition.ts";
import { COMMAND_NAMES, findDefinition } from "./definitions/mod.ts";
import { ExitError, ParseError, UsageError } from "./errors.ts";
import { GLOBAL_FLAGS, type GlobalFlags, PROGRAM_FLAGS, SERVICE_FLAGS } from "./global_flags.ts";
import { print } from "./output.ts";
import type { Persona } from "./persona.ts";
import { parseArguments, type ParsedArguments } from "./pflag.ts";

/**
 * Runs a command line: global flags, optionally the word `manifest`, a subcommand, and its flags and operands.
 *
 * @throws {ExitError} The command ends with its own exit code.
 * @throws {UsageError} The command line is invalid.
 */
export async function runProgram(
  args: readonly string[],
  persona: Persona,
  environment: Pick<CommandContext, "signal" | "onWarning">,
): Promise<void> {
  const before = parseProgram(args, persona);
  const [name, ...rest] = before.operands;
  const globals = before.flags as GlobalFlags;
  if (globals.version) return print(VERSION);
  if (globals.help || name === undefined || name === "help") {
    return await showHelp(globals, rest, persona, name === "help");
  }
  if (name === "__complete") return await runCompletion({ globals, persona, ...environment }, rest);
  const definition = await findDefinition(name);
  if (!definition) return await reportUnknownCommand(name, persona);
  // Known only after parsing; a command line that cannot be parsed is reported as without the flag.
  let github: boolean | undefined;
  try {
    const parsed = parseCommand(definition, rest, persona);
    github = (parsed.flags as { github?: boolean }).github;
    await runCommand(definition, parsed, { globals: mergeGlobals(globals, parsed.flags), persona, ...environment });
  } catch (error) {
    if (definition.flags.some(({ name }) => name === "github")) {
      const { annotateFailure } = await import("./ci/failure.ts");
      await annotateFailure(definition.name, error, github, persona.name);
    }
    throw error;
  }
}

async function runCommand(definition: CommandDefinition, parsed: ParsedArguments, context: CommandContext) {
  const { globals, persona } = context;
  if (globals.help) return await showHelp({}, [definition.name], persona);
  assertNoServiceFlag(globals);
  assertLogLevel(globals, persona);
  assertOperandCount(definition, parsed, persona);
  const action = await definition.load();
  await action(parsed.operands, parsed.flags as never, context);
}

/** Runs `__complete`, which the scripts of `completion` call. */
async function runCompletion(context: CommandContext, [first, ...words]: string[]): Promise<void> {
  const { complete } = await import("./completion/complete.ts");
  await complete(first === "--" ? words : [first ?? "", ...words], context);
}

/** Parses the flags before the subcommand. The word `manifest` can be among them, as in `podman manifest create`. */
function parseProgram(args: readonly string[], persona: Persona) {
  const options = { flags: PROGRAM_FLAGS, persona: persona.name, stopsAtOperand: true };
  const outer = parseArguments(args, options);
  if (outer.operands[0] !== "manifest") return outer;
  const inner = parseArguments(outer.operands.slice(1), options);
  return { operands: inner.operands, flags: mergeGlobals(outer.flags, inner.flags) };
}

function parseCommand(definition: CommandDefinition, args: readonly string[], persona: Persona) {
  // Flags and letters of the command hide the global ones of the same name.
  const taken = new Set(definition.flags.flatMap(({ name, short }) => [name, short]));
  const dropTakenLetter = ({ short, ...flag }: typeof GLOBAL_FLAGS[number]) =>
    taken.has(short) || !short ? flag : { short, ...flag };
  const globals = GLOBAL_FLAGS.filter(({ name }) => !taken.has(name)).map(dropTakenLetter);
  try {
    return parseArguments(args, { flags: [...definition.flags, ...globals], persona: persona.name });
  } catch (error) {
    throw error instanceof ParseError ? error.withCommand(`${persona.command} ${definition.name}`) : error;
  }
}

function mergeGlobals(before: GlobalFlags, after: Record<string, unknown>): GlobalFlags {
  const names = PROGRAM_FLAGS.map(({ name }) => name.replace(/-[a-z]/g, (text) => text[1]!.toUpperCase()));
  const later = names.filter((name) => after[name] !== undefined).map((name) => [name, after[name]]);
  return { ...before, ...Object.fromEntries(later) };
}

function assertNoServiceFlag(globals: GlobalFlags): void {
  const flag = SERVICE_FLAGS.find((name) => (globals as Record<string, unknown>)[name]);
  if (flag) throw new UsageError(`--${flag} is not supported: only stores on this machine can be used`);
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"];

/** Checks `--log-level`. Nothing is logged here, but podman and buildah also reject an unknown level. */
function assertLogLevel({ logLevel }: GlobalFlags, persona: Persona): void {
  if (logLevel === undefined || LOG_LEVELS.includes(logLevel.toLowerCase())) return;
  throw new ExitError(
    persona.name === "podman" ? 1 : 125,
    `The log level ${JSON.stringify(logLevel)} is not supported, choose from: ${LOG_LEVELS.join(", ")}`,
  );
}

/** Checks the number of operands. Podman and buildah use the messages of their library cobra. */
function assertOperandCount(definition: CommandDefinition, given: ParsedArguments, persona: Persona): void {
  const { min, max = Infinity } = definition;
  const count = given.operands.length;
  if (count >= min && count <= max) return;
  if (persona.name !== "manifests") throw new UsageError(formatCountProblem(definition, count, persona));
  const usage = chooseUsage(definition, given);
  const problem = count > max
    ? `unexpected argument ${JSON.stringify(given.operands[max])}`
    : `missing argument${min - count > 1 ? "s" : ""} ${listOperands(usage).slice(count, min).join(" ")}`;
  throw new UsageError(`${problem}. Usage: ${persona.command} ${definition.name} [FLAGS] ${usage}`.trimEnd());
}

/** Chooses, of several usages, the one with the given flags; default: the first. */
function chooseUsage({ operands }: CommandDefinition, { flags }: ParsedArguments): string {
  const usages = operands.split(" | ");
  const isGiven = (usage: string) => Object.keys(flags).some((name) => usage.startsWith(`--${name} `));
  return usages.find(isGiven) ?? usages[0]!;
}

/** Lists the names of the operands in a usage, without flags, brackets and dots. */
function listOperands(usage: string): string[] {
  return usage.split(" ").filter((word) => !word.startsWith("-")).map((word) => word.replace(/[[\].]/g, ""));
}

/** Formats the message about a wrong number of operands as podman and buildah do. */
function formatCountProblem(
  { min, max = Infinity, tooMany }: CommandDefinition,
  given: number,
  persona: Persona,
): string {
  if (given > max && persona.name === "buildah" && tooMany) return tooMany;
  if (given < min && max !== min) return `requires at least ${min} arg(s), only received ${given}`;
  if (max === min) return `accepts ${max} arg(s), received ${given}`;
  return `accepts between ${min} and ${max} arg(s), received ${given}`;
}

async function showHelp(globals: GlobalFlags, [name]: string[], persona: Persona, isHelp = false): Promise<void> {
  const { formatCommandHelp, formatProgramHelp } = await import("./help.ts");
  const definition = name === undefined ? undefined : await findDefinition(name);
  if (name !== undefined && !definition && !globals.help) return await reportUnknownCommand(name, persona);
  print(definition ? formatCommandHelp(definition, persona) : await formatProgramHelp(persona));
  const asked = globals.help || (isHelp && persona.name === "manifests");
  if (definition || asked || persona.name === "buildah") return;
  throw new ExitError(125, persona.name === "podman" ? "missing command 'podman manifest COMMAND'" : "missing command");
}

async function reportUnknownCommand(name: string, persona: Persona): Promise<void> {
  if (persona.name === "buildah") return await showHelp({ help: true }, [], persona);
  if (persona.name === "podman") {
    throw new ExitError(
      125,
      `unrecognized command \`podman manifest ${name}\`\nTry 'podman manifest --help' for more information`,
    );
  }
  const similar = findSimilar(name, COMMAND_NAMES);
  throw new UsageError(
    `unknown command ${JSON.stringify(name)}${similar ? `: did you mean ${similar}?` : "."} See 'manifests --help'`,
  );
}
