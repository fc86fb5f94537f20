/**
 * Compares this project with buildah, skopeo, crane, regctl, oras and c/image in one run, and prints ratios. Needs buildah,
 * skopeo and docker-registry; finds the others on `PATH` or as `deno task oracles -- peers` built them; and for `signing` the programs that `deno task oracles` builds. Arguments choose benches by name.
 */
import { compose } from "./compose.ts";
import { compression } from "./compression.ts";
import { append, layers, serving, within } from "./copies.ts";
import { large } from "./large.ts";
import { layouts } from "./layouts.ts";
import { processes } from "./processes.ts";
import { signing } from "./signing.ts";
import { sizes } from "./sizes.ts";
import { storage } from "./storage.ts";
import { tiny } from "./tiny.ts";
import { unpacking } from "./unpacking.ts";

const BENCHES: Record<string, () => Promise<void>> = {
  tiny,
  compose,
  within: () => within(),
  layers: () => layers(),
  append,
  serving: () => serving(),
  large,
  storage,
  unpacking,
  layouts,
  compression,
  processes,
  signing,
  sizes,
};
const names = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
for (const name of names) await BENCHES[name]!();
