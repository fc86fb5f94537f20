/** The ways from a checkout to a command and to scripts in other folders. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";

const ROOT = join(import.meta.dirname!, "../..");

folderTest("deno task install makes the checkout usable as a command and by path", async (folder) => {
  const deno = Deno.execPath();
  const { denoDir } = JSON.parse(await ok([deno, "info", "--json"]));
  // Another home, with the packages of npm that are already there.
  const env = { HOME: join(folder, "home"), DENO_DIR: denoDir, DENO_INSTALL_ROOT: "", INIT_CWD: folder };
  const project = join(folder, "project");
  await Deno.mkdir(env.HOME);
  await Deno.mkdir(project);
  const imports = { "app": "./app.ts" };
  await Deno.writeTextFile(join(project, "deno.json"), JSON.stringify({ imports }));
  await Deno.writeTextFile(join(project, "app.ts"), "export const name: string = 'app:1.0';");
  await Deno.writeTextFile(
    join(project, "script.ts"),
    `import { create, parseReference } from ${JSON.stringify(join(ROOT, "mod.ts"))};
    import { parseDigest } from ${JSON.stringify(join(ROOT, "src/spec/mod.ts"))};
    import { name } from "app";
    const digest: string = parseDigest("sha256:" + "0".repeat(64));
    console.log(create().instances().length, String(parseReference(name)), digest.length);`,
  );
  // As npx calls it where Deno is not installed: the command would not find it.
  const bin = join(folder, "node_modules/.bin");
  await Deno.mkdir(bin, { recursive: true });
  await Deno.symlink(deno, join(bin, "deno"));
  const said = await ok([deno, "task", "--config", join(ROOT, "deno.json"), "install", "project"], {
    ...env,
    PATH: bin,
  });
  assert.match(said, new RegExp(`deno, which is not in PATH: npm install --global deno@${Deno.version.deno}$`, "m"));

  const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  assert.equal(await ok([join(env.HOME, ".deno/bin/manifests"), "--version"], env), version);
  assert.equal(await ok([deno, "run", "--check", join(project, "script.ts")], env), "0 docker.io/library/app:1.0 71");
  assert.deepEqual(JSON.parse(await Deno.readTextFile(join(project, "deno.json"))).imports, imports);
});
