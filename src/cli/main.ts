/**
 * The command line: `manifests`, a drop-in for `podman manifest` and `buildah manifest`.
 *
 * @module
 */
import { argv0 } from "node:process";
import { run } from "./run.ts";

if (import.meta.main) Deno.exit(await run(Deno.args, argv0));
