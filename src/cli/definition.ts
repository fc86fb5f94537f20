import type { CommandContext } from "./context.ts";
import type { PersonaName } from "./persona.ts";

/**
 * How often a flag may be given and what its value is: `boolean` has none, `text` counts once, `array` collects its
 * values, `list` collects them and splits each at commas, as CSV.
 */
export type FlagKind = "boolean" | "text" | "array" | "list";

/** What a shell may offer for a word. */
export type Completion = "lists" | "instances" | "files" | "folders" | readonly string[];

/** A flag of a command. */
export interface FlagDefinition {
  /** Its name, without dashes. */
  readonly name: string;
  /** Its letter. */
  readonly short?: string;
  /** Further names for the same flag, which help does not show. */
  readonly aliases?: readonly string[];
  /** How it is read; where the tools differ, by persona. */
  readonly kind: FlagKind | Readonly<Record<PersonaName, FlagKind>>;
  /** What stands for its value in help. */
  readonly value?: string;
  /** One line for help. */
  readonly description: string;
  /** What help says counts without the flag. */
  readonly default?: string;
  /** Whether help is silent about it. */
  readonly hidden?: boolean;
  /** What a shell offers for its value. */
  readonly completes?: Completion;
}

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

/** The kind of a flag for a persona. */
export function kindOf({ kind }: FlagDefinition, persona: PersonaName): FlagKind {
  return typeof kind === "string" ? kind : kind[persona];
}
