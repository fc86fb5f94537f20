/**
 * Runs the command lines in the file of the first argument, a JSON array of arrays of arguments, one after the other.
 * One process for all of them is faster than one for each.
 */
import { run } from "../../src/cli/run.ts";

for (const args of JSON.parse(await Deno.readTextFile(Deno.args[0]!)) as string[][]) {
  const code = await run(args);
  if (code === 0) continue;
  // deno-lint-ignore no-console -- The test shows it.
  console.error(`manifests ${args.join(" ")} exited ${code}`);
  Deno.exit(1);
}
