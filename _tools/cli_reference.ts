/**
 * Writes `docs/cli.md` from the definitions of the command line. With `--check`, only fails if the file is not up to date.
 */
import type { CommandDefinition } from "../src/cli/definition.ts";
import type { FlagDefinition } from "../src/cli/flag_definition.ts";
import { loadDefinitions } from "../src/cli/definitions/mod.ts";
import { PROGRAM_FLAGS } from "../src/cli/global_flags.ts";
import { commandsByGroup, describeFlag, formatFlag, selectShownFlags } from "../src/cli/help.ts";
import { formatMarkdown } from "./format_markdown.ts";

const INTRODUCTION = `# The command line

Generated from the definitions of the commands by \`deno run -A _tools/cli_reference.ts\`.

The same text as manual pages: \`deno task man\` writes them to \`man/man1\`. \`man -M man manifests-push\` shows one of
them; copied to \`/usr/local/share/man/man1\` (or \`~/.local/share/man/man1\`), \`man manifests-push\` finds it.

The word \`manifest\` is allowed before a command, so that \`manifests\` can replace \`podman\` or \`buildah\` in
\`podman manifest …\`. If the name of the program begins with \`podman\` or \`buildah\`, or \`MANIFESTS_PERSONA\` is one of
them, the output is that of this tool.

| exit code | meaning |
| --- | --- |
| 0 | success |
| 1 | \`exists\`: no such list; \`digest\`: no such image; \`rm\`: the only errors were unknown lists; \`diff\`: the lists differ; \`validate\`: something is wrong; \`verify\`: not accepted |
| 1, 2, 3 | \`release\`: error, changes, drift; see [release.md](release.md) |
| 125 | any other error |
| 130, 143 | interrupted, terminated; cleaning up takes at most 5 s, and a second signal exits at once |

| variable | meaning |
| --- | --- |
| \`MANIFESTS_PERSONA\` | tool whose output is imitated: \`podman\`, \`buildah\` or \`own\` (none) |
| \`NO_COLOR\` | any value turns off colors |
| \`REGISTRY_AUTH_FILE\` | path of the credential file |
| \`CONTAINERS_STORAGE_CONF\` | path of \`storage.conf\` |
| \`GITHUB_ACTIONS\`, \`GITHUB_OUTPUT\`, \`GITHUB_STEP_SUMMARY\` | job of GitHub Actions and its files; see [ci.md](ci.md) |
`;

/** Formats the reference as Markdown. */
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
    throw new Error("docs/cli.md is not up to date: run deno run -A _tools/cli_reference.ts");
  }
}
