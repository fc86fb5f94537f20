import { ok } from "./peers.ts";

const ROOT = new URL("../../", import.meta.url);
/** Lowers the syntax for older runtimes: Node 20 does not support `using`. */
const ESBUILD = "npm:esbuild@0.25.5";

/**
 * Bundles a file of this checkout and everything that it imports into one JavaScript module.
 *
 * @param target The runtime that must understand it: `deno`, or one of esbuild's targets such as `node20`. Default: the
 * newest browsers.
 */
export async function bundle(path: string, folder: string, target?: string): Promise<string> {
  const file = `${folder}/bundle.mjs`;
  const config = new URL("deno.json", ROOT).pathname;
  const platform = target === "deno" ? "deno" : "browser";
  const flags = ["--quiet", "--no-check", "--platform", platform, "--config", config, "--output", file];
  await ok([Deno.execPath(), "bundle", ...flags, new URL(path, ROOT).pathname], { NO_COLOR: "1" });
  if (target === undefined || target === "deno") return file;
  const lowered = `${folder}/${target}.mjs`;
  const lower = ["--log-level=error", `--target=${target}`, `--outfile=${lowered}`];
  await ok([Deno.execPath(), "run", "-A", "--quiet", "--no-config", "--no-lock", ESBUILD, file, ...lower]);
  return lowered;
}
