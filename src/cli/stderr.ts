import { isGithubJob } from "./ci/environment.ts";
import { neutralizeCommands } from "./ci/workflow_commands.ts";

/**
 * Writes text to standard error. In a job of GitHub Actions, the text is changed so that the runner finds no command in it:
 * messages can quote registries.
 */
export function writeStderr(text: string): void {
  write(isGithubJob() ? neutralizeCommands(text) : text);
}

/**
 * Writes a workflow command to standard error, which the runner reads as it reads standard output. Scripts often capture
 * standard output, such as for the digest.
 */
export function writeCommand(command: string): void {
  write(`${command}\n`);
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
