/**
 * Writes `docs/cli.md` from the definitions of the command line; with `--check`, fails where it is not what they say.
 */
import type { CommandDefinition } from "../src/cli/definition.ts";
import type { FlagDefinition } from "../src/cli/flag_definition.ts";
import { loadDefinitions } from "../src/cli/definitions/mod.ts";
import { PROGRAM_FLAGS } from "../src/cli/global_flags.ts";
import { commandsByGroup, describeFlag, formatFlag, selectShownFlags } from "../src/cli/help.ts";
import { formatMarkdown } from "./format_markdown.ts";

const INTRODUCTION = `# The command line

Written from the definitions of the commands by \`deno run -A _tools/cli_reference.ts\`.

The word \`manifest\` may stand before a command, so that \`manifests\` can take the place of \`podman\` or \`buildah\` in
\`podman manifest …\`. Called by a name that begins with \`podman\` or \`buildah\`, or with \`MANIFESTS_PERSONA\` set to one
of them, it prints what that tool prints.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | \`exists\`: no such list; \`rm\`: all lists that failed were unknown; \`diff\`: the lists differ; \`validate\`: something is wrong |
| 125 | anything else |
| 130, 143 | interrupted, terminated, after at most 5 s of cleaning up; a second signal exits at once |

| variable | meaning |
| --- | --- |
| \`MANIFESTS_PERSONA\` | \`own\`, \`podman\` or \`buildah\` |
| \`NO_COLOR\` | no colours |
| \`REGISTRY_AUTH_FILE\` | the credential file to read |
| \`CONTAINERS_STORAGE_CONF\` | the \`storage.conf\` to read |
`;

/** The reference as Markdown. */
export async function formatReference(): Promise<string> {
  const commands = await loadDefinitions();
  const text = [
    INTRODUCTION,
    "## Flags of all commands",
    formatFlags(PROGRAM_FLAGS),
    ...commandsByGroup(commands).flatMap(([title, group]) => [`## ${title}`, ...group.map(formatCommand)]),
  ].join("\n\n");
  return await formatMarkdown(text);
}

function formatCommand({ name, summary, operands, details = [], examples, flags }: CommandDefinition): string {
  return [
    `### ${name}`,
    `${summary}.`,
    fence("text", operands.split(" | ").map((alternative) => `manifests ${name} [FLAGS] ${alternative}`.trim())),
    ...details,
    ...(selectShownFlags(flags).length > 0 ? [formatFlags(flags)] : []),
    fence(
      "sh ignore: the images are examples",
      examples.flatMap(([line, effect]) => [`# ${effect}`, `manifests ${line}`]),
    ),
  ].join("\n\n");
}

function formatFlags(flags: readonly FlagDefinition[]): string {
  const rows = selectShownFlags(flags).map((flag) => `| \`${formatFlag(flag)}\` | ${describeFlag(flag)} |`);
  return ["| flag | meaning |", "| --- | --- |", ...rows].join("\n");
}

function fence(info: string, lines: readonly string[]): string {
  return [`\`\`\`${info}`, ...lines, "```"].join("\n");
}

if (import.meta.main) {
  const file = new URL("../docs/cli.md", import.meta.url);
  const text = await formatReference();
  if (!Deno.args.includes("--check")) {
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  } else if (await Deno.readTextFile(file) !== text) {
    throw new Error("docs/cli.md is not what the commands are: deno run -A _tools/cli_reference.ts");
  }
}
