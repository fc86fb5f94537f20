/**
 * Our code beside the real tools, in one run, as ratios. Needs buildah, skopeo and docker-registry, and for `signing`
 * what `deno task oracles` builds. Names of benches as arguments choose some of them.
 */
import { compose } from "./compose.ts";
import { compression } from "./compression.ts";
import { large } from "./large.ts";
import { layouts } from "./layouts.ts";
import { processes } from "./processes.ts";
import { signing } from "./signing.ts";
import { sizes } from "./sizes.ts";
import { storage } from "./storage.ts";
import { tiny } from "./tiny.ts";

const BENCHES: Record<string, () => Promise<void>> = {
  tiny,
  compose,
  large,
  storage,
  layouts,
  compression,
  processes,
  signing,
  sizes,
};
const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
for (const name of wanted) await BENCHES[name]!();
