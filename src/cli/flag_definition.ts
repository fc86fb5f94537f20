import type { PersonaName } from "./persona.ts";

/**
 * How a flag is read: `boolean` takes no value, `text` takes one (the last one is used), `array` collects the values of
 * all its uses, and `list` also splits each value at commas, as CSV.
 */
export type FlagKind = "boolean" | "text" | "array" | "list";

/** Completions of a word: local lists, instances of the list before it, files, folders or fixed words. */
export type Completion = "lists" | "instances" | "files" | "folders" | readonly string[];

/** Definition of a flag of a command or of the program. */
export interface FlagDefinition {
  /** Long name, without its two dashes. */
  readonly name: string;
  /** Letter of the short form, without the dash; default: none. */
  readonly short?: string;
  /** Further names of the same flag, which help does not show. */
  readonly aliases?: readonly string[];
  /** How the flag is read; by persona if the tools differ. */
  readonly kind: FlagKind | Readonly<Record<PersonaName, FlagKind>>;
  /** Placeholder of the value in help, such as `FILE`. */
  readonly value?: string;
  /** Description of one line for help. */
  readonly description: string;
  /** Default that help shows; `undefined`: none is shown. */
  readonly default?: string;
  /** Hides the flag from help and completions. Default: `false`. */
  readonly hidden?: boolean;
  /** Completions of the value; default: none. */
  readonly completes?: Completion;
}

/** Returns the kind of a flag for a persona. */
export function getFlagKind({ kind }: FlagDefinition, persona: PersonaName): FlagKind {
  return typeof kind === "string" ? kind : kind[persona];
}
