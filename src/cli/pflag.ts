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
 * Parses a command line like pflag, the Go library that podman and buildah use. For `manifests`, `--no-NAME` also sets a
 * boolean flag to `false`.
 *
 * @throws {ParseError} A flag is unknown, lacks its value, or has an invalid boolean.
 */
export function parseArguments(args: readonly string[], options: ParseOptions): ParsedArguments {
  const parser = new Parser(args, options);
  parser.run();
  return { operands: parser.operands, flags: parser.flags };
}

class Parser {
  readonly operands: string[] = [];
  readonly flags: Record<string, unknown> = {};
  readonly #rest: string[];
  readonly #options: ParseOptions;

  constructor(args: readonly string[], options: ParseOptions) {
    this.#rest = [...args];
    this.#options = options;
  }

  run(): void {
    for (let arg; (arg = this.#rest.shift()) !== undefined;) {
      if (arg === "--") break;
      if (arg.startsWith("--")) this.#parseLong(arg.slice(2));
      else if (arg.startsWith("-") && arg.length > 1) this.#parseShort(arg.slice(1));
      else {
        this.operands.push(arg);
        if (this.#options.stopsAtOperand) break;
      }
    }
    this.operands.push(...this.#rest);
  }

  /** Parses `NAME`, `NAME=VALUE` or `no-NAME`, without the dashes. */
  #parseLong(text: string): void {
    const [, name, value] = /^([^=]*)(?:=(.*))?$/s.exec(text)!;
    if (!name || name.startsWith("-")) throw new ParseError(`bad flag syntax: --${text}`);
    const flag = this.#findFlag(name);
    if (!flag) return this.#parseNegated(name, value);
    this.#set(flag, value ?? this.#takeValue(flag, `--${name}`), `--${flag.name}`);
  }

  #parseNegated(name: string, value: string | undefined): void {
    const { flags, persona } = this.#options;
    const negated = persona === "manifests" && value === undefined && name.startsWith("no-")
      ? this.#findFlag(name.slice("no-".length))
      : undefined;
    if (negated && getFlagKind(negated, persona) === "boolean") return this.#set(negated, "false", `--${name}`);
    const similar = findSimilar(name, flags.filter(({ hidden }) => !hidden).map((flag) => flag.name));
    const advice = similar && persona === "manifests" ? ` (did you mean --${similar}?)` : "";
    throw new ParseError(`unknown flag: --${name}${advice}`);
  }

  /** Parses letters without the dash: only the last one can have a value, as in `-qf oci`, `-qfoci` or `-qf=oci`. */
  #parseShort(letters: string): void {
    for (let at = 0; at < letters.length; at++) {
      const letter = letters[at]!;
      const flag = this.#options.flags.find(({ short }) => short === letter);
      if (!flag) throw new ParseError(`unknown shorthand flag: '${letter}' in -${letters.slice(at)}`);
      const rest = letters.slice(at + 1);
      const takesRest = rest !== "" && getFlagKind(flag, this.#options.persona) !== "boolean";
      const value = rest.startsWith("=") && rest.length > 1 ? rest.slice(1) : takesRest ? rest : undefined;
      const shown = `-${letter}, --${flag.name}`;
      this.#set(flag, value ?? this.#takeValue(flag, `'${letter}' in -${letters.slice(at)}`), shown);
      if (value !== undefined) return;
    }
  }

  /** Takes the value of a flag that has none in its own word: the next word, or `true` for a boolean. */
  #takeValue(flag: FlagDefinition, shown: string): string {
    if (getFlagKind(flag, this.#options.persona) === "boolean") return "true";
    const value = this.#rest.shift();
    if (value === undefined) throw new ParseError(`flag needs an argument: ${shown}`);
    return value;
  }

  #set(flag: FlagDefinition, value: string, shown: string): void {
    const key = flag.name.replace(/-[a-z]/g, (text) => text[1]!.toUpperCase());
    const kind = getFlagKind(flag, this.#options.persona);
    const before = this.flags[key] as string[] | undefined;
    if (kind === "boolean") this.flags[key] = parseBoolean(value, shown);
    else if (kind === "array") this.flags[key] = collect(value, before);
    else if (kind === "list") this.flags[key] = collectList(value, before);
    else this.flags[key] = value;
  }

  #findFlag(word: string): FlagDefinition | undefined {
    return this.#options.flags.find(({ name, aliases }) => name === word || aliases?.includes(word));
  }
}

function parseBoolean(value: string, shown: string): boolean {
  if (TRUE.includes(value)) return true;
  if (FALSE.includes(value)) return false;
  const quoted = JSON.stringify(value);
  throw new ParseError(
    `invalid argument ${quoted} for "${shown}" flag: strconv.ParseBool: parsing ${quoted}: invalid syntax`,
  );
}
