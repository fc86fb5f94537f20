import type { CommandContext } from "./context.ts";
import type { Completion, FlagDefinition } from "./flag_definition.ts";

/** The function that runs a subcommand. */
export type Action = (operands: string[], flags: never, context: CommandContext) => Promise<void>;

/** Titles of the groups of commands, in the order of the help. */
export const COMMAND_GROUPS = {
  local: "Local lists",
  remote: "Registries and other places",
  trust: "Trust",
  tools: "Tools",
} as const;

/** Key of a group of commands; see {@linkcode COMMAND_GROUPS}. */
export type CommandGroup = keyof typeof COMMAND_GROUPS;

/** Definition of a subcommand, from which its parser, help, reference and completions are made. */
export interface CommandDefinition {
  /** Name as typed on the command line. */
  readonly name: string;
  /** Group under which help lists the subcommand. */
  readonly group: CommandGroup;
  /** Operands as help shows them; ` | ` separates alternatives. */
  readonly operands: string;
  /** Minimum number of operands that it requires. */
  readonly min: number;
  /** Maximum number of operands; default: unlimited. */
  readonly max?: number;
  /** Message of buildah for too many operands; default: the message of its library cobra. */
  readonly tooMany?: string;
  /** Summary of one line for help, without a full stop. */
  readonly summary: string;
  /** Further paragraphs for help; default: none. */
  readonly details?: readonly string[];
  /** Example command lines, each with a description. */
  readonly examples: readonly (readonly [commandLine: string, effect: string])[];
  /** Flags, without the global ones. */
  readonly flags: readonly FlagDefinition[];
  /** Completions of each operand; the last item also applies to all further operands. Default: none. */
  readonly completes?: readonly Completion[];
  /** Loads the code that runs the subcommand. */
  load(): Promise<Action>;
}
