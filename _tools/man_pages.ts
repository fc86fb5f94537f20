/**
 * Writes manual pages from the definitions of the command line: `manifests.1`, and `manifests-COMMAND.1` for each command.
 *
 * ```sh
 * deno run -A _tools/man_pages.ts FOLDER
 * ```
 */
import type { CommandDefinition } from "../src/cli/definition.ts";
import type { FlagDefinition } from "../src/cli/flag_definition.ts";
import { loadDefinitions } from "../src/cli/definitions/mod.ts";
import { PROGRAM_FLAGS } from "../src/cli/global_flags.ts";
import { commandsByGroup, describeFlag, formatFlag, selectShownFlags } from "../src/cli/help.ts";
import { VERSION } from "../src/internal/room.ts";

/** Formats all pages, by their file names. */
export async function formatManPages(): Promise<Map<string, string>> {
  const commands = await loadDefinitions();
  return new Map([
    ["manifests.1", formatProgram(commands)],
    ...commands.map((command): [string, string] => [`manifests-${command.name}.1`, formatCommand(command)]),
  ]);
}

function formatProgram(commands: readonly CommandDefinition[]): string {
  return page("manifests", "create, edit, store and push multi-architecture manifest lists", [
    section("SYNOPSIS", ["\\fBmanifests\\fR [FLAGS] COMMAND"]),
    ...commandsByGroup(commands).map(([title, group]) =>
      section(
        title.toUpperCase(),
        group.map(({ name, summary }) => item(`\\fBmanifests\\-${escape(name)}\\fR(1)`, summary)),
      )
    ),
    section("FLAGS", formatFlags(PROGRAM_FLAGS)),
    section("EXIT STATUS", [
      item("0", "success"),
      item("1", "the answer of a command that checks something is no"),
      item("125", "any other error"),
      item("130, 143", "interrupted, terminated"),
    ]),
  ]);
}

function formatCommand({ name, summary, operands, details = [], examples, flags }: CommandDefinition): string {
  const usages = operands.split(" | ").map((usage) =>
    `\\fBmanifests ${escape(name)}\\fR [FLAGS] ${escape(usage)}`.trim()
  );
  return page(`manifests-${name}`, summary, [
    section("SYNOPSIS", usages.flatMap((usage, i) => i === 0 ? [usage] : [".br", usage])),
    section(
      "DESCRIPTION",
      [`${summary}.`, ...details].flatMap((text, i) => i === 0 ? [escape(text)] : [".PP", escape(text)]),
    ),
    section("FLAGS", formatFlags(flags)),
    section("EXAMPLES", examples.map(([line, effect]) => item(escape(`manifests ${line}`), effect))),
    section("SEE ALSO", ["\\fBmanifests\\fR(1)"]),
  ]);
}

function page(name: string, summary: string, sections: readonly string[]): string {
  const head = `.TH "${name.toUpperCase()}" "1" "" "manifests ${VERSION}" "User Commands"`;
  return [head, section("NAME", [`${escape(name)} \\- ${escape(summary)}`]), ...sections].filter(Boolean).join("\n") +
    "\n";
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [`.SH "${title}"`, ...lines].join("\n");
}

function formatFlags(flags: readonly FlagDefinition[]): string[] {
  return selectShownFlags(flags).map((flag) => item(`\\fB${escape(formatFlag(flag))}\\fR`, describeFlag(flag)));
}

/** Formats an indented paragraph with a heading, which is already escaped. */
function item(heading: string, text: string): string {
  return `.TP\n${heading}\n${escape(text)}`;
}

/** Escapes text for roff: backslashes, dashes, and a period or quote that would start a request. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/gm, "\\&");
}

if (import.meta.main) {
  const [folder] = Deno.args;
  if (folder === undefined) throw new Error("Usage: deno run -A _tools/man_pages.ts FOLDER");
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, text] of await formatManPages()) await Deno.writeTextFile(`${folder}/${name}`, text);
}
