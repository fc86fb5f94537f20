import { run } from "../../src/cli/run.ts";
import { setVariables } from "./environment.ts";
import { type CommandResult, exec } from "./peers.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** How the command line is started from this checkout. */
export const CLI: readonly string[] = [
  Deno.execPath(),
  "run",
  "-A",
  // Deno's download messages are not output of the command.
  "--quiet",
  "--config",
  `${ROOT}deno.json`,
  `${ROOT}src/cli/main.ts`,
];

/** Runs our command line. */
export function cli(args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  return exec([...CLI, ...args], { NO_COLOR: "1", ...env });
}

/** Runs our command line, which must succeed, and returns what it printed. */
export async function cliOk(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await cli(args, env);
  if (code !== 0) throw new Error(`manifests ${args.join(" ")} exited ${code}: ${stderr}`);
  return stdout.trim();
}

/**
 * Runs our command line in this process, which is faster, for tests that run it many times. They must not run at the same
 * time, because its output and the environment are those of the thread.
 */
export async function cliHere(args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const texts = { stdout: "", stderr: "" };
  using stack = new DisposableStack();
  for (const name of ["stdout", "stderr"] as const) {
    const decoder = new TextDecoder();
    Deno[name].writeSync = (bytes) => {
      texts[name] += decoder.decode(bytes, { stream: true });
      return bytes.length;
    };
    stack.defer(() => Reflect.deleteProperty(Deno[name], "writeSync"));
  }
  stack.use(setVariables({ NO_COLOR: "1", ...env }));
  return { code: await run(args), ...texts };
}
