/**
 * The shell steps of docs/ci.md run as they are written, with the permissions that they name. The variables of each
 * system are in `VARIABLES`, and what it replaces in a script before the shell sees it in `PARAMETERS`.
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { folderTest } from "../support/folders.ts";
import { clientOf } from "../support/images.ts";
import { exec } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { type Environment, prepare, ROOT } from "./quay.ts";

const VARIABLES: Environment = {
  REGISTRY_USER: "me",
  REGISTRY_PASSWORD: "secret",
  GITHUB_REF_NAME: "v1.0",
  CI_REGISTRY_IMAGE: "quay.io/me/app",
  CI_COMMIT_TAG: "1.0",
  TAG_NAME: "1.0",
};
const PARAMETERS = {
  "$(params.IMAGE)": "quay.io/me/app:1.0",
  "$(params.IMAGES)": "quay.io/me/app:1.0-amd64 quay.io/me/app:1.0-arm64",
  "$(results.IMAGE_DIGEST.path)": "digest",
};

/** Lists the shell scripts in a workflow: `run` of GitHub, `script` of GitLab and Tekton. */
function listScripts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(listScripts);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    if (key !== "run" && key !== "script") return listScripts(member);
    return [[member].flat().join("\n")];
  });
}

/** Lists the shell scripts of a document's workflows, by the heading above each. */
function listSteps(markdown: string): { heading: string; script: string }[] {
  return markdown.split(/^## /m).flatMap((section) => {
    const heading = section.split("\n")[0]!;
    const workflows = Array.from(section.matchAll(/^```yaml\n([^]*?)^```$/gm), ([, text]) => parse(text!));
    const jenkins = Array.from(section.matchAll(/\bsh '([^']+)'/g), ([, script]) => script!);
    return [...listScripts(workflows), ...jenkins].map((script) => ({ heading, script }));
  });
}

/** Puts a `deno` into the folder that finds the checkout instead of JSR, and may reach the registry at `host`. */
async function writeDeno(folder: string, host: string): Promise<void> {
  const root = ROOT.pathname;
  const flags =
    `--quiet --no-prompt --config '${root}deno.json' --preload '${root}tests/support/redirect_registries.ts'`;
  const script = `#!/bin/sh
shift # run
for arg in "$@"; do
  shift
  case "$arg" in
    --allow-net=quay.io) arg="$arg,${host}" ;;
    --allow-env=*) arg="$arg,REGISTRY_URL" ;;
    jsr:@multiarch/manifests/cli) arg='${root}src/cli/main.ts' ;;
  esac
  set -- "$@" "$arg"
done
exec '${Deno.execPath()}' run ${flags} "$@"
`;
  await Deno.writeTextFile(`${folder}/deno`, script, { mode: 0o755 });
}

for (const { heading, script } of listSteps(await Deno.readTextFile(new URL("docs/ci.md", ROOT)))) {
  folderTest(`the shell step of docs/ci.md for ${heading} publishes an index of two images`, async (folder) => {
    await using registry = startEmbedded();
    const env = { ...await prepare(folder, registry.host), ...VARIABLES };
    await writeDeno(folder, registry.host);
    for (const name of ["compose_release.ts", "options.ts"]) {
      await Deno.copyFile(new URL(`examples/${name}`, ROOT), `${folder}/${name}`);
    }
    let text = script;
    for (const [name, value] of Object.entries(PARAMETERS)) text = text.replaceAll(name, value);
    const { code, stderr } = await exec(["sh", "-eu", "-c", `cd '${folder}'\n${text}`], env);
    assert.equal(code, 0, stderr);
    const { bytes } = await clientOf(registry.host).repository("me/app").getManifest("1.0");
    assert.equal(JSON.parse(new TextDecoder().decode(bytes)).manifests.length, 2);
  });
}
