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

/** The kind of a flag for a persona. */
export function getFlagKind({ kind }: FlagDefinition, persona: PersonaName): FlagKind {
  return typeof kind === "string" ? kind : kind[persona];
}
