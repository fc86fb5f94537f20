import type { SystemContext } from "@multiarch/manifests/remote";

/** What a script of this folder is given. */
export interface ScriptOptions {
  /** The arguments that are no flags. */
  args: string[];
  /** How registries are reached. */
  systemContext: SystemContext;
}

/**
 * Reads the command line: `--insecure` allows plain HTTP, as for a registry of a test. The variables `REGISTRY_USER` and
 * `REGISTRY_PASSWORD`, where they may be read and are set, are for the registry of `image`, the first argument.
 */
export function readOptions(usage: string): ScriptOptions {
  const args = Deno.args.filter((arg) => !arg.startsWith("--"));
  const flags = Deno.args.filter((arg) => arg.startsWith("--"));
  if (args.length === 0 || flags.some((flag) => flag !== "--insecure")) {
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

/** A variable; `undefined` where it is not set or may not be read. */
function readVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}
