import { SCRIPTS } from "../completion/scripts.ts";
import { UsageError } from "../errors.ts";
import { print } from "../output.ts";

/** Runs `completion SHELL`, which prints the completion script of a shell. */
export function completion([shell]: string[]): Promise<void> {
  const script = Object.hasOwn(SCRIPTS, shell!) ? SCRIPTS[shell!] : undefined;
  if (!script) {
    throw new UsageError(`unknown shell ${JSON.stringify(shell)}: choose one of ${Object.keys(SCRIPTS).join(", ")}`);
  }
  print(script);
  return Promise.resolve();
}
