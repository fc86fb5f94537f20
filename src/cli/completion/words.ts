import type { CommandDefinition } from "../definition.ts";
import { type Completion, type FlagDefinition, getFlagKind } from "../flag_definition.ts";
import { describeFlag, shownFlags } from "../help.ts";
import type { PersonaName } from "../persona.ts";

/** A word that a shell may offer. */
export interface Candidate {
  /** The word. */
  readonly word: string;
  /** What it means, for shells that show that. */
  readonly description?: string;
}

/** What may stand at the end of a command line. */
export interface Expected {
  /** What stands before the part that is completed, such as `--format=`. */
  readonly prefix: string;
  /** The part that is completed. */
  readonly typed: string;
  /** Words that are known from the definitions. */
  readonly words: readonly Candidate[];
  /** What has to be looked up. */
  readonly live?: Completion | undefined;
  /** The operands before it. */
  readonly operands: readonly string[];
}

/** Finds the subcommand in the words of a command line; -1 where there is none yet. */
export function findCommand(words: readonly string[], flags: readonly FlagDefinition[]): number {
  const operands = walk(words, flags).operands;
  return operands.find((at) => words[at] !== "manifest") ?? -1;
}

/** What may stand at the place of the last word, which may be empty. */
export function expect(
  words: readonly string[],
  { flags, completes = [] }: Pick<CommandDefinition, "flags" | "completes">,
): Expected {
  const typed = words.at(-1) ?? "";
  const { operands, pending, ended } = walk(words.slice(0, -1), flags);
  const texts = operands.map((at) => words[at]!);
  const value = (flag: FlagDefinition, prefix: string, typed: string): Expected => (
    { prefix, typed, words: listWords(flag.completes), live: flag.completes, operands: texts }
  );
  if (pending) return value(pending, "", typed);
  if (typed.startsWith("-") && !ended) {
    const [, name, text = ""] = /^--([^=]+)=(.*)$/s.exec(typed) ?? [];
    const flag = name === undefined ? undefined : flags.find((flag) => flag.name === name);
    if (flag) return value(flag, `--${name}=`, text);
    const offered = shownFlags(flags).map((flag) => ({ word: `--${flag.name}`, description: describeFlag(flag) }));
    return { prefix: "", typed, words: offered, operands: texts };
  }
  const live = completes[Math.min(operands.length, completes.length - 1)];
  return { prefix: "", typed, words: listWords(live), live, operands: texts };
}

function listWords(completion: Completion | undefined): Candidate[] {
  return typeof completion === "object" ? completion.map((word) => ({ word })) : [];
}

/** Where the operands are, and which flag still waits for its value. */
function walk(words: readonly string[], flags: readonly FlagDefinition[]) {
  const operands: number[] = [];
  let pending: FlagDefinition | undefined;
  let ended = false;
  words.forEach((word, at) => {
    if (pending) pending = undefined;
    else if (ended || !word.startsWith("-") || word === "-") operands.push(at);
    else if (word === "--") ended = true;
    else pending = flags.find((flag) => takesNext(flag, word));
  });
  return { operands, pending, ended };
}

function takesNext(flag: FlagDefinition, word: string): boolean {
  const own: PersonaName = "manifests";
  return getFlagKind(flag, own) !== "boolean" && (word === `--${flag.name}` || word === `-${flag.short}`);
}
