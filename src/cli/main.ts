/**
 * The command line: `manifests`, a drop-in for `podman manifest` and `buildah manifest`.
 *
 * @module
 */
import { run } from "./run.ts";

if (import.meta.main) Deno.exit(await run(Deno.args, await findCalledName()));

/** Returns the name with which a compiled program was called; empty for a script, which was called as `deno`. */
async function findCalledName(): Promise<string> {
  if (/[/\\]deno(\.exe)?$/.test(Deno.execPath())) return "";
  // Loaded only here: this module takes 20 ms.
  const { argv0 } = await import("node:process");
  return argv0;
}
