import type { SystemContext } from "@multiarch/manifests/remote";

/** Command-line arguments of a script in this folder. */
export interface ScriptOptions {
  /** Arguments that are not flags. */
  args: string[];
  /** System context for the requests to registries. */
  systemContext: SystemContext;
}

/**
 * Reads the command line, which must have as many arguments as the usage shows. `--insecure` allows plain HTTP, as for a
 * test registry. If the environment variables `REGISTRY_USER` and `REGISTRY_PASSWORD` are set and readable, they are the
 * credentials for the registry of the first argument.
 */
export function readOptions(usage: string): ScriptOptions {
  const args = Deno.args.filter((arg) => !arg.startsWith("--"));
  const flags = Deno.args.filter((arg) => arg.startsWith("--"));
  const least = usage.split(" ").length - 1;
  if (args.length < least || flags.some((flag) => flag !== "--insecure")) {
    Deno.stderr.writeSync(new TextEncoder().encode(`usage: ${usage} [--insecure]\n`));
    Deno.exit(2);
  }
  const [username, password] = ["REGISTRY_USER", "REGISTRY_PASSWORD"].map(readVariable);
  const host = args[0]!.split("/")[0]!;
  return {
    args,
    systemContext: {
      dockerInsecureSkipTlsVerify: flags.length > 0,
      ...(username && password ? { credentials: { [host]: { username, password } } } : {}),
    },
  };
}

/** Reads an environment variable; `undefined` if it is not set or the script may not read it. */
function readVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}
