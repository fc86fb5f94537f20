import { ExitError, formatError } from "../errors.ts";
import { sanitize } from "../format/width.ts";
import type { PersonaName } from "../persona.ts";
import { writeCommand } from "../stderr.ts";
import { findGithubFiles } from "./environment.ts";
import { formatWorkflowCommand } from "./workflow_commands.ts";

/**
 * Shows the failure of a command that publishes as an annotation of the job, if it runs in one.
 *
 * @param requested Value of `--github`; `undefined`: not given.
 */
export async function annotateFailure(
  command: string,
  error: unknown,
  requested: boolean | undefined,
  persona: PersonaName,
): Promise<void> {
  const message = error instanceof ExitError ? error.message : formatError(error);
  // Without its files there is nothing to annotate. `--github` outside of a job is reported as an error of its own.
  const files = await findGithubFiles(requested, persona).catch(() => undefined);
  if (!files || message === "") return;
  writeCommand(formatWorkflowCommand("error", sanitize(message), { title: `manifests ${command}` }));
}
