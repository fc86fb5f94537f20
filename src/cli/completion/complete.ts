import type { CommandContext } from "../context.ts";
import { findDefinition, loadDefinitions } from "../definitions/mod.ts";
import { GLOBAL_FLAGS, type GlobalFlags, PROGRAM_FLAGS } from "../global_flags.ts";
import { print } from "../output.ts";
import { parseArguments } from "../pflag.ts";
import { findLiveCandidates } from "./live.ts";
import { type Candidate, type Expected, findCommand, findExpected } from "./words.ts";

/**
 * Prints the completions of the last word, one per line: `__complete WORD…`, which the scripts of the shells call. A tab
 * separates a word from its description.
 */
export async function complete(words: readonly string[], context: CommandContext): Promise<void> {
  const at = findCommand(words.slice(0, -1), PROGRAM_FLAGS);
  const expected = at < 0
    ? await findExpectedCommand(words)
    : await findExpectedInCommand(words[at]!, words.slice(at + 1));
  if (!expected) return;
  const { prefix, typed, live } = expected;
  if (live === "files" || live === "folders") return print(`:${live}`);
  const globals = at < 0 ? {} : parseGlobals(words.slice(0, at));
  const found = await findLiveCandidates(expected, { ...context, globals: { ...context.globals, ...globals } });
  for (const { word, description } of [...expected.words, ...found]) {
    if (word.startsWith(typed)) print(prefix + word + (description === undefined ? "" : `\t${description}`));
  }
}

async function findExpectedCommand(words: readonly string[]): Promise<Expected> {
  const expected = findExpected(words, { flags: PROGRAM_FLAGS });
  if (expected.live !== undefined || expected.typed.startsWith("-")) return expected;
  const commands = await loadDefinitions();
  return { ...expected, words: commands.map(({ name, summary }): Candidate => ({ word: name, description: summary })) };
}

async function findExpectedInCommand(name: string, words: readonly string[]): Promise<Expected | undefined> {
  const definition = await findDefinition(name);
  return definition && findExpected(words, { ...definition, flags: [...definition.flags, ...GLOBAL_FLAGS] });
}

function parseGlobals(words: readonly string[]): GlobalFlags {
  try {
    return parseArguments(words, { flags: PROGRAM_FLAGS, persona: "manifests", stopsAtOperand: true }).flags;
  } catch {
    return {};
  }
}
