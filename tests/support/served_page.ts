import { CLI } from "./cli.ts";

/** A command that serves HTTP until it is interrupted. */
export interface ServingCommand extends AsyncDisposable {
  /** The address that it printed. */
  readonly url: string;
}

/** Starts a command of our command line that prints its address; it is interrupted at the end of the scope. */
export async function startServing(args: readonly string[]): Promise<ServingCommand> {
  const child = new Deno.Command(CLI[0]!, {
    args: [...CLI.slice(1), ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const url = new TextDecoder().decode(value).trim();
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      await child.status;
      await reader.cancel();
    },
  };
}
