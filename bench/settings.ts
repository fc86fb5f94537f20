/** Settings that the benches share. */
import { join } from "@std/path";
import { bundleCommand, COMMAND_ENTRY, COMMAND_FLAGS } from "../_tools/bundle_command.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const BUNDLE = join(ROOT, "bundle");
await bundleCommand(ROOT, BUNDLE);

/** Command that starts the command line from a bundle of this checkout, as it is installed. */
export const CLI: readonly string[] = [
  Deno.execPath(),
  "run",
  "--quiet",
  ...COMMAND_FLAGS,
  join(BUNDLE, COMMAND_ENTRY),
];

/** Context for registries on loopback, without the cache of blob locations, so that no run profits from an earlier one. */
export const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
/** Environment that turns off the same cache for the command line. */
export const NO_CACHE = { MANIFESTS_BLOB_INFO_CACHE_DIR: "" };
/** Command of skopeo that copies lists between registries on loopback. */
export const SKOPEO = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
