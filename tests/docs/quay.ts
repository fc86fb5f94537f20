/** A place in which commands and scripts of the documents run as they are written: a registry stands for quay.io. */
import { type CommandResult, exec } from "../support/peers.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";

/** The checkout. */
export const ROOT = new URL("../../", import.meta.url);

const PRELOAD = new URL("../support/redirect_registries.ts", import.meta.url).pathname;
const FLAGS = ["--quiet", "--no-prompt", "--config", new URL("deno.json", ROOT).pathname, "--preload", PRELOAD, "-A"];

/** Variables of the environment for programs that see quay.io and the store of a folder. */
export type Environment = Record<string, string>;

/**
 * Prepares a folder with the command `manifests`, a store, and images of each platform in the registry at `host`, which
 * stands for quay.io.
 */
export async function prepare(folder: string, host: string): Promise<Environment> {
  for (const architecture of ["amd64", "arm64", "s390x"]) {
    await pushImage(clientOf(host).repository("me/app"), makeImage({ architecture }), `1.0-${architecture}`);
  }
  const command = `#!/bin/sh\nexec '${Deno.execPath()}' run ${
    FLAGS.join(" ")
  } '${ROOT.pathname}src/cli/main.ts' "$@"\n`;
  await Deno.writeTextFile(`${folder}/manifests`, command, { mode: 0o755 });
  await Deno.writeTextFile(
    `${folder}/storage.conf`,
    `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/root"\nrunroot = "${folder}/run"\n`,
  );
  return {
    PATH: `${folder}:${Deno.env.get("PATH")}`,
    CONTAINERS_STORAGE_CONF: `${folder}/storage.conf`,
    MANIFESTS_BLOB_INFO_CACHE_DIR: "",
    REGISTRY_URL: `http://${host}`,
    NO_COLOR: "1",
  };
}

/** Runs a script with its arguments. */
export function runScript(path: string, args: readonly string[], env: Environment): Promise<CommandResult> {
  return exec([Deno.execPath(), "run", ...FLAGS, path, ...args], env);
}
