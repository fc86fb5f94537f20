/**
 * Copies an image into a store, and kills its own process before a step that changes the disk. Arguments: source,
 * destination, number of the step. Prints the number of all steps if it is not killed.
 */
import { copyImage } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { runUntilDeath } from "./dying_disk.ts";

const [source, destination, step] = Deno.args as [string, string, string];
const { steps, isDone } = await runUntilDeath(
  Number(step),
  () => copyImage(source, destination, { signaturePolicy: acceptAnything, systemContext: { blobInfoCacheDir: "" } }),
  () => {
    Deno.kill(Deno.pid, "SIGKILL");
    return new Error("killed");
  },
);
// deno-lint-ignore no-console -- The test reads it.
console.log(steps);
Deno.exit(isDone ? 0 : 1);
