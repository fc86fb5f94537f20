/** A copy that is killed before any step leaves the old image or the new one, and can be repeated. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { listTree } from "../contracts/transport_suite.ts";
import { makeImage } from "../support/images.ts";
import { readAll, writeImage } from "../support/put_image.ts";

/** Writes an image, and kills itself before the n-th step that changes the disk. */
const WRITER = `
import { parseImageName } from "${new URL("../../mod.ts", import.meta.url).href}";
import { makeImage } from "${new URL("../support/images.ts", import.meta.url).href}";
import { writeImage } from "${new URL("../support/put_image.ts", import.meta.url).href}";
const [name, last] = Deno.args;
let steps = 0;
const step = () => {
  if (++steps === Number(last)) Deno.kill(Deno.pid, "SIGKILL");
};
for (const name of ["rename", "mkdir", "remove"]) {
  const original = Deno[name];
  Deno[name] = (...args) => (step(), original(...args));
}
for (const name of ["write", "writeSync"]) {
  const original = Deno.FsFile.prototype[name];
  Deno.FsFile.prototype[name] = function (...args) {
    step();
    return original.apply(this, args);
  };
}
await writeImage(parseImageName(name), makeImage({ architecture: "after" }));
console.log(steps);
`;

/** Runs the writer up to a step. Returns the number of steps that it took, or `undefined` if it was killed. */
async function runUntil(folder: string, name: string, step: number): Promise<number | undefined> {
  await Deno.writeTextFile(`${folder}/writer.js`, WRITER);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "-A", "--no-check", "--config", config, `${folder}/writer.js`, name, `${step}`];
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (signal === "SIGKILL") return undefined;
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

async function tryStep(transport: string, exists: boolean, step: number): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "kill-" });
  try {
    const [before, after] = [makeImage({ architecture: "before" }), makeImage({ architecture: "after" })];
    const name = `${transport}:${folder}/image${transport === "dir" ? "" : ":app"}`;
    if (exists) await writeImage(parseImageName(name), before);
    const whole = await runUntil(folder, name, step) !== undefined;
    const found = await readAll(parseImageName(name)).catch((error) => error.code);
    const expected = [after.digest, exists ? before.digest : "NOT_FOUND"];
    assert.ok(expected.includes(found), `${name} before step ${step}: ${found}`);
    await writeImage(parseImageName(name), after);
    assert.equal(await readAll(parseImageName(name)), after.digest);
    assert.deepEqual((await listTree(folder)).filter((path) => path.includes("tmp")), []);
    return whole;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const transport of ["oci", "dir", "oci-archive"]) {
  for (const exists of [false, true]) {
    Deno.test(`killed before any step: ${transport}, ${exists ? "over an image" : "to an unused path"}`, async () => {
      let whole = false;
      let step = 1;
      for (; !whole; step++) whole = await tryStep(transport, exists, step);
      assert.ok(step > 10, `only ${step} steps were tried`);
    });
  }
}
