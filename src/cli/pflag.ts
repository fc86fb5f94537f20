import { Command, CommanderError, Option } from "commander";
import { findSimilar } from "../internal/room.ts";
import { type FlagDefinition, getFlagKind } from "./flag_definition.ts";
import { ParseError } from "./errors.ts";
import { collect, collectList } from "./flags.ts";
import type { PersonaName } from "./persona.ts";

const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

/** Operands and flags of a parsed command line. */
export interface ParsedArguments {
  /** Words that are not flags or values of flags, in order. */
  readonly operands: string[];
  /** Values of the flags that are given, by name in camel case. */
  readonly flags: Record<string, unknown>;
}

/** Options for {@linkcode parseArguments}. */
export interface ParseOptions {
  /** Definitions of the flags to recognize. */
  readonly flags: readonly FlagDefinition[];
  /** Tool whose parsing rules apply. */
  readonly persona: PersonaName;
  /** Stops at the first operand, which is the subcommand of a program. Default: `false`. */
  readonly stopsAtOperand?: boolean;
}

/**
 * Parses a command line like pflag, the Go library that podman and buildah use.
 *
 * @throws {ParseError} A flag is unknown, lacks its value, or has an invalid boolean.
 */
export function parseArguments(args: readonly string[], options: ParseOptions): ParsedArguments {
  const { flags, persona, stopsAtOperand = false } = options;
  const command = new Command().argument("[operands...]").helpOption(false).exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
    .passThroughOptions(stopsAtOperand);
  for (const flag of flags) addFlag(command, flag, persona);
  try {
    command.parse(convertForCommander(args, options), { from: "user" });
  } catch (error) {
    throw error instanceof CommanderError ? convertError(error, options) : error;
  }
  return { operands: command.args, flags: command.opts() };
}

function addFlag(command: Command, flag: FlagDefinition, persona: PersonaName): void {
  const long = `${flag.short ? `-${flag.short}, ` : ""}--${flag.name}`;
  const kind = getFlagKind(flag, persona);
  if (kind === "boolean") {
    command.addOption(new Option(long)).addOption(new Option(`--no-${flag.name}`));
    return;
  }
  const option = new Option(`${long} <value>`);
  if (kind === "array") option.argParser(collect);
  if (kind === "list") option.argParser(collectList);
  command.addOption(option);
}

/**
 * Converts a command line to the syntax of commander: `--tls-verify=false` to `--no-tls-verify`, `-f=oci` to
 * `--format=oci`, and aliases of a flag to its name.
 */
function convertForCommander(args: readonly string[], { flags, persona, stopsAtOperand }: ParseOptions): string[] {
  const converted: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const isFlag = arg.startsWith("-") && arg.length > 1;
    if (arg === "--" || (!isFlag && stopsAtOperand)) return [...converted, ...args.slice(at)];
    const [, dashes = "", word = "", value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const flag = isFlag ? findFlag(flags, dashes, word) : undefined;
    if (!flag) converted.push(arg);
    else if (getFlagKind(flag, persona) === "boolean") converted.push(convertBoolean(flag, value));
    else if (value !== undefined) converted.push(`--${flag.name}=${value}`);
    else converted.push(`--${flag.name}`, ...args.slice(++at, at + 1));
  }
  return converted;
}

function findFlag(flags: readonly FlagDefinition[], dashes: string, word: string): FlagDefinition | undefined {
  if (dashes === "-") return flags.find(({ short }) => short === word);
  return flags.find(({ name, aliases }) => name === word || aliases?.includes(word));
}

function convertBoolean({ name }: FlagDefinition, value: string | undefined): string {
  if (value === undefined || TRUE.includes(value)) return `--${name}`;
  if (FALSE.includes(value)) return `--no-${name}`;
  const quoted = JSON.stringify(value);
  throw new ParseError(
    `invalid argument ${quoted} for "--${name}" flag: strconv.ParseBool: parsing ${quoted}: invalid syntax`,
  );
}

/** Converts an error of commander to the wording of pflag, on which scripts for podman and buildah rely. */
function convertError(error: CommanderError, { flags, persona }: ParseOptions): ParseError {
  const [, quoted = ""] = /'([^']*)'/.exec(error.message) ?? [];
  if (error.code === "commander.optionMissingArgument") {
    return new ParseError(`flag needs an argument: ${quoted.replace(/ <.*/, "").replace(/^-., /, "")}`);
  }
  if (error.code !== "commander.unknownOption") return new ParseError(error.message);
  if (!quoted.startsWith("--")) {
    return new ParseError(
      `unknown shorthand flag: ${JSON.stringify(quoted.slice(1, 2)).replaceAll('"', "'")} in ${quoted}`,
    );
  }
  const name = quoted.slice(2).replace(/=.*/s, "");
  const similar = findSimilar(name, flags.filter(({ hidden }) => !hidden).map((flag) => flag.name));
  return new ParseError(
    `unknown flag: --${name}${similar && persona === "manifests" ? ` (did you mean --${similar}?)` : ""}`,
  );
}
