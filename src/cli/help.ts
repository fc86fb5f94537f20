import { COMMAND_GROUPS, type CommandDefinition, type CommandGroup } from "./definition.ts";
import type { FlagDefinition } from "./flag_definition.ts";
import { loadDefinitions } from "./definitions/mod.ts";
import { PROGRAM_FLAGS } from "./global_flags.ts";
import type { Persona } from "./persona.ts";

/** Formats the help of the program. */
export async function formatProgramHelp({ command }: Persona): Promise<string> {
  const definitions = await loadDefinitions();
  const width = Math.max(...definitions.map(({ name }) => name.length));
  return [
    "Create, edit, store and push multi-architecture manifest lists",
    "",
    "Usage:",
    `  ${command} [FLAGS] COMMAND`,
    ...commandsByGroup(definitions).flatMap(([title, commands]) => [
      "",
      `${title}:`,
      ...alignColumns(commands.map(({ name, summary }) => [name.padEnd(width), summary])),
    ]),
    "",
    "Flags:",
    ...formatFlags(PROGRAM_FLAGS),
    "",
    `Run '${command} COMMAND --help' for the help of a command.`,
  ].join("\n");
}

/** Groups the commands, with the title of each group. */
export function commandsByGroup(
  definitions: readonly CommandDefinition[],
): [title: string, commands: CommandDefinition[]][] {
  const groups = Object.entries(COMMAND_GROUPS) as [CommandGroup, string][];
  return groups.map(([group, title]) => [title, definitions.filter((definition) => definition.group === group)]);
}

/** Formats the help of a command. */
export function formatCommandHelp(definition: CommandDefinition, { command }: Persona): string {
  const { name, summary, details = [], operands, examples, flags } = definition;
  return [
    summary,
    "",
    "Usage:",
    ...operands.split(" | ").map((alternative) => `  ${command} ${name} [FLAGS] ${alternative}`),
    ...details.flatMap((paragraph) => ["", ...wrap(paragraph, 80)]),
    ...(examples.length === 0 ? [] : ["", "Examples:"]),
    ...examples.flatMap(([line, effect]) => [`  # ${effect}`, `  ${command} ${line}`]),
    "",
    "Flags:",
    ...formatFlags(flags),
  ].join("\n");
}

/** Formats a flag with its letter and value: `-f, --format TYPE`. */
export function formatFlag({ name, short, value }: FlagDefinition): string {
  return `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
}

/** Formats the description of a flag with its default. */
export function describeFlag({ description, default: fallback }: FlagDefinition): string {
  return fallback === undefined ? description : `${description} (default ${fallback})`;
}

/** Selects the flags that help shows, sorted by name. */
export function selectShownFlags(flags: readonly FlagDefinition[]): FlagDefinition[] {
  return flags.filter(({ hidden }) => !hidden).toSorted((a, b) => a.name < b.name ? -1 : 1);
}

function formatFlags(flags: readonly FlagDefinition[]): string[] {
  return alignColumns(
    selectShownFlags(flags).map((flag) => [(flag.short ? "" : "    ") + formatFlag(flag), describeFlag(flag)]),
  );
}

function alignColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`);
}

/** Wraps a text at blanks into lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
