import type { CommandDefinition } from "../definition.ts";
import { type Completion, type FlagDefinition, getFlagKind } from "../flag_definition.ts";
import { describeFlag, selectShownFlags } from "../help.ts";
import type { PersonaName } from "../persona.ts";

/** A word that a shell offers as a completion. */
export interface Candidate {
  /** The word that the shell inserts. */
  readonly word: string;
  /** Short explanation, which zsh and fish show; `undefined`: none. */
  readonly description?: string;
}

/** The completions that are possible at the end of a command line. */
export interface Expected {
  /** Text of the last word before the completed part, such as `--format=`; `""` if the whole word is completed. */
  readonly prefix: string;
  /** The part of the last word that is completed. */
  readonly typed: string;
  /** Candidates that the definitions of the commands name. */
  readonly words: readonly Candidate[];
  /** Kind of candidates that depend on the store or on files; `undefined`: none. */
  readonly live?: Completion | undefined;
  /** Operands before the last word. */
  readonly operands: readonly string[];
}

/** Finds the index of the subcommand in the words of a command line; -1 if it is not typed yet. */
export function findCommand(words: readonly string[], flags: readonly FlagDefinition[]): number {
  const operands = scanWords(words, flags).operands;
  return operands.find((at) => words[at] !== "manifest") ?? -1;
}

/** Finds the completions of the last word, which may be empty. */
export function findExpected(
  words: readonly string[],
  { flags, completes = [] }: Pick<CommandDefinition, "flags" | "completes">,
): Expected {
  const typed = words.at(-1) ?? "";
  const { operands, pending, ended } = scanWords(words.slice(0, -1), flags);
  const texts = operands.map((at) => words[at]!);
  const value = (flag: FlagDefinition, prefix: string, typed: string): Expected => (
    { prefix, typed, words: listWords(flag.completes), live: flag.completes, operands: texts }
  );
  if (pending) return value(pending, "", typed);
  if (typed.startsWith("-") && !ended) {
    const [, name, text = ""] = /^--([^=]+)=(.*)$/s.exec(typed) ?? [];
    const flag = name === undefined ? undefined : flags.find((flag) => flag.name === name);
    if (flag) return value(flag, `--${name}=`, text);
    const offered = selectShownFlags(flags).map((flag) => ({
      word: `--${flag.name}`,
      description: describeFlag(flag),
    }));
    return { prefix: "", typed, words: offered, operands: texts };
  }
  const live = completes[Math.min(operands.length, completes.length - 1)];
  return { prefix: "", typed, words: listWords(live), live, operands: texts };
}

function listWords(completion: Completion | undefined): Candidate[] {
  return typeof completion === "object" ? completion.map((word) => ({ word })) : [];
}

/** Finds the indexes of the operands, and the flag at the end whose value is the next word. */
function scanWords(words: readonly string[], flags: readonly FlagDefinition[]) {
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
  // Completion is only offered for `manifests`, not for podman and buildah.
  const persona: PersonaName = "manifests";
  return getFlagKind(flag, persona) !== "boolean" && (word === `--${flag.name}` || word === `-${flag.short}`);
}
