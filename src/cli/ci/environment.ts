import { UsageError } from "../errors.ts";
import type { PersonaName } from "../persona.ts";

/** Files of a step of GitHub Actions. */
export interface GithubFiles {
  /** File of the step's outputs: `GITHUB_OUTPUT`. */
  readonly output: string;
  /** File of the job's summary: `GITHUB_STEP_SUMMARY`; `undefined`: the runner has none. */
  readonly summary: string | undefined;
}

/** Reads a variable; `undefined` if it is not set or access is not permitted. Never prompts. */
function readEnv(name: string): string | undefined {
  const allowed = Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
  return allowed ? Deno.env.get(name) : undefined;
}

/** Whether a program runs in a job of GitHub Actions, whose runner reads commands from its output. */
export function isGithubJob(env: (name: string) => string | undefined = readEnv): boolean {
  return env("GITHUB_ACTIONS") === "true";
}

/**
 * Finds the files of the current step.
 *
 * @param requested Value of `--github`. Default: `true` in a job of GitHub Actions whose output file exists, unless the
 * command imitates another tool.
 * @returns `undefined` if nothing is to be reported.
 * @throws {UsageError} They are requested, and `GITHUB_OUTPUT` is not set.
 */
export async function findGithubFiles(
  requested: boolean | undefined,
  persona: PersonaName = "manifests",
  env: (name: string) => string | undefined = readEnv,
): Promise<GithubFiles | undefined> {
  if (requested === false) return undefined;
  const output = env("GITHUB_OUTPUT") || undefined;
  const summary = env("GITHUB_STEP_SUMMARY") || undefined;
  if (requested) {
    if (output !== undefined) return { output, summary };
    throw new UsageError("--github requires the variable GITHUB_OUTPUT, which a step of GitHub Actions has");
  }
  if (output === undefined || persona !== "manifests" || !isGithubJob(env)) return undefined;
  const exists = await Deno.stat(output).then(({ isFile }) => isFile, () => false);
  return exists ? { output, summary } : undefined;
}
