/** The composite action of this repository, as the runner would run its step. */
import { parse } from "yaml";
import { type CommandResult, exec } from "./peers.ts";
import { readGithubOutputs } from "./github.ts";

const ROOT = new URL("../../", import.meta.url);

/** A step of the action; only the members that are read here. */
interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly with?: Record<string, string>;
  readonly shell?: string;
  readonly env?: Record<string, string>;
  readonly run?: string;
}

/** The action's file; only the members that are read here. */
interface ActionFile {
  readonly inputs: Record<string, { description: string; default?: unknown }>;
  readonly outputs: Record<string, { description: string; value: string }>;
  readonly runs: { using: string; steps: Step[] };
}

/** The parsed `action.yml`. */
export const ACTION: ActionFile = parse(await Deno.readTextFile(new URL("action.yml", ROOT)));

/** The step that runs the command. */
export const COMPOSE_STEP: Step = ACTION.runs.steps.find(({ id }) => id === "compose")!;

/** Finds the input that an expression such as `${{ inputs.tags }}` names. */
export function findInput(expression: string): string | undefined {
  return /^\$\{\{ inputs\.([a-z-]+) \}\}$/.exec(expression)?.[1];
}

/** Output of a step, and the content of its files. */
export interface StepResult extends CommandResult {
  readonly outputs: Record<string, string>;
  readonly summary: string;
}

/**
 * Runs a script in a folder as a step with `shell: bash`.
 *
 * @param env Variables in addition to those of this process.
 */
export async function runStep(script: string, folder: string, env: Record<string, string>): Promise<StepResult> {
  const output = await Deno.makeTempFile({ dir: folder });
  const summary = await Deno.makeTempFile({ dir: folder });
  const file = await Deno.makeTempFile({ dir: folder, suffix: ".sh" });
  await Deno.writeTextFile(file, script);
  const github = {
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: output,
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_ACTION_PATH: ROOT.pathname.replace(/\/$/, ""),
  };
  const enter = 'cd "$1" && exec bash --noprofile --norc -eo pipefail "$2"';
  const result = await exec(["sh", "-c", enter, "sh", folder, file], { NO_COLOR: "1", ...env, ...github });
  const outputs = readGithubOutputs(await Deno.readTextFile(output));
  return { ...result, outputs, summary: await Deno.readTextFile(summary) };
}

/** Returns the variables that the action's step has with these inputs. */
export function toStepVariables(inputs: Readonly<Record<string, string>>): Record<string, string> {
  const unknown = Object.keys(inputs).find((name) => !Object.hasOwn(ACTION.inputs, name));
  if (unknown) throw new Error(`the action has no input ${unknown}`);
  return Object.fromEntries(
    Object.entries(COMPOSE_STEP.env!).map(([variable, expression]) => {
      const input = findInput(expression)!;
      return [variable, inputs[input] ?? String(ACTION.inputs[input]!.default ?? "")];
    }),
  );
}
