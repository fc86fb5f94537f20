/**
 * Commands that a line of a job's output gives to the runner of GitHub Actions: `::NAME key=value::MESSAGE`.
 *
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */

/** Formats a workflow command as one line, without its line break. */
export function formatWorkflowCommand(
  name: string,
  message: string,
  properties: Readonly<Record<string, string>> = {},
): string {
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(value)}`).join(",");
  return `::${name}${pairs === "" ? "" : ` ${pairs}`}::${escapeMessage(message)}`;
}

function escapeMessage(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/**
 * Changes text so that the runner finds no command in it. The runner ignores blanks before `::`, and accepts the older
 * form `##[NAME]` anywhere in a line.
 */
export function neutralizeCommands(text: string): string {
  return text.replace(/^(\s*):(?=:)/gm, "$1: ").replaceAll("##[", "## [");
}

/** Formats the commands that mask a secret in the rest of the log: one for each line, as the runner masks lines. */
export function formatMasks(secret: string): string[] {
  const lines = secret.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  return lines.map((line) => formatWorkflowCommand("add-mask", line));
}
