import { ok } from "./peers.ts";

const ROOT = new URL("../../", import.meta.url);
/** Brings what it is given down to what a runtime understands: Node 20 knows no `using`. */
const ESBUILD = "npm:esbuild@0.25.5";

/**
 * Makes one JavaScript module of a file of this checkout and all that it imports, as whoever is not on Deno does.
 *
 * @param target What must understand it, as in `node20`; default: the newest runtimes.
 */
export async function bundle(path: string, folder: string, target?: string): Promise<string> {
  const file = `${folder}/bundle.mjs`;
  const config = new URL("deno.json", ROOT).pathname;
  const flags = ["--quiet", "--no-check", "--platform", "browser", "--config", config, "--output", file];
  await ok([Deno.execPath(), "bundle", ...flags, new URL(path, ROOT).pathname], { NO_COLOR: "1" });
  if (target === undefined) return file;
  const lowered = `${folder}/${target}.mjs`;
  const lower = ["--log-level=error", `--target=${target}`, `--outfile=${lowered}`];
  await ok([Deno.execPath(), "run", "-A", "--quiet", "--no-config", "--no-lock", ESBUILD, file, ...lower]);
  return lowered;
}
