import type { CommandContext } from "./context.ts";
import type { Completion, FlagDefinition } from "./flag_definition.ts";

/** What a command does with its operands, its flags and the context. */
export type Action = (operands: string[], flags: never, context: CommandContext) => Promise<void>;

/** Titles of the groups of commands, in the order of the help. */
export const COMMAND_GROUPS = {
  local: "Local lists",
  remote: "Registries and other places",
  trust: "Trust",
  tools: "Tools",
} as const;

/** A group of commands; see {@linkcode COMMAND_GROUPS}. */
export type CommandGroup = keyof typeof COMMAND_GROUPS;

/** A subcommand: all that its parser, its help, its reference and its completions are made of. */
export interface CommandDefinition {
  /** Its name. */
  readonly name: string;
  /** The group under which help lists it. */
  readonly group: CommandGroup;
  /** Its operands, as help shows them. */
  readonly operands: string;
  /** How many operands it needs. */
  readonly min: number;
  /** How many it takes; default: any number. */
  readonly max?: number;
  /** What buildah says of more operands. */
  readonly tooMany?: string;
  /** One line for help. */
  readonly summary: string;
  /** What else there is to say, in paragraphs. */
  readonly details?: readonly string[];
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [commandLine: string, effect: string])[];
  /** Its flags. */
  readonly flags: readonly FlagDefinition[];
  /** What a shell offers for each operand; the last counts for all further ones. */
  readonly completes?: readonly Completion[];
  /** Loads its code. */
  load(): Promise<Action>;
}
