/** Real tools that tests run: buildah, podman, skopeo, docker-registry. */
import { basename } from "@std/path";

const FORBID_SKIPS = Deno.env.get("MANIFESTS_FORBID_SKIPS") === "1";

/** Whether a tool is there, by its name or its path; `root` stands for being root. */
function has(tool: string): boolean {
  if (tool === "root") return Deno.uid() === 0;
  const paths = tool.startsWith("/")
    ? [tool]
    : (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${tool}`);
  return paths.some((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** A test that needs these tools. It is skipped if they are missing, and its name says so; `.ci/run` forbids skips. */
export function peerTest(name: string, tools: string[], fn: (t: Deno.TestContext) => Promise<void>): void {
  const missing = tools.filter((tool) => !has(tool)).map((tool) => basename(tool));
  const skipped = missing.length > 0 && !FORBID_SKIPS;
  Deno.test({ name: skipped ? `${name} [skipped: needs ${missing.join(", ")}]` : name, ignore: skipped, fn });
}

/** Result of a command. */
export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end. */
export async function exec(command: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const [name, ...args] = command as [string, ...string[]];
  const { code, stdout, stderr } = await new Deno.Command(name, { args, env, stdin: "null" }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a command that must succeed and returns what it printed. */
export async function ok(command: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await exec(command, env);
  if (code !== 0) throw new Error(`${command.join(" ")} exited ${code}: ${stderr}`);
  return stdout.trim();
}
