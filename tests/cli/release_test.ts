/** `release` on the command line, with a file, a lock file and two registries. */
import assert from "node:assert/strict";
import { cli } from "../support/cli.ts";
import { clientOf, makeImage, makeTar, pushImage } from "../support/images.ts";
import { serve, type TestRegistry } from "../support/registries.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";

/** Two registries that record the requests that write, and a folder with a release file. */
async function startWorld() {
  const writes: string[] = [];
  const start = (): TestRegistry => {
    const { fetch } = createRegistry({ storage: createMemoryStorage() });
    return serve((request) => {
      if (!["GET", "HEAD"].includes(request.method)) writes.push(`${request.method} ${new URL(request.url).pathname}`);
      return fetch(request);
    });
  };
  const [one, two] = [start(), start()];
  const folder = await Deno.makeTempDir({ prefix: "release-" });
  const text = `version: 1
vars: { VERSION: }
releases:
  app:
    targets: ["${one.host}/app", "${two.host}/app"]
    tags: ["\${VERSION}", latest]
    template: { image: "${one.host}/app:{arch}{variant}", platforms: [linux/amd64, linux/arm/v7] }
    immutable: ["*.*.*"]
`;
  await Deno.writeTextFile(`${folder}/manifests.yaml`, text);
  const push = async (architecture: string, variant = "", content = architecture) =>
    await pushImage(
      clientOf(one.host).repository("app"),
      makeImage({ architecture, variant, layers: [makeTar("a", content)] }),
      architecture + variant,
    );
  await push("amd64");
  await push("arm", "v7");
  writes.length = 0;
  const run = async (verb: string, ...flags: string[]) => {
    writes.length = 0;
    const file = ["--file", `${folder}/manifests.yaml`, "--var", "VERSION=1.2.3"];
    const { code, stdout, stderr } = await cli(["release", verb, ...file, "-q", "--tls-verify=false", ...flags]);
    return { code, stdout, stderr, writes: [...writes] };
  };
  return {
    one,
    two,
    folder,
    push,
    run,
    digest: async ({ host }: TestRegistry, tag: string) =>
      (await clientOf(host).repository("app").headManifest(tag))?.digest,
    [Symbol.asyncDispose]: async () => {
      await one[Symbol.asyncDispose]();
      await two[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("plan, lock and apply: exit codes, lines, the lock file, and nothing to do the second time", async () => {
  await using world = await startWorld();
  const { run, one, two, folder } = world;
  const planned = await run("plan", "--detailed-exitcode");
  assert.deepEqual([planned.code, planned.stderr, planned.writes], [2, "", []]);
  const [head, ...lines] = planned.stdout.trimEnd().split("\n");
  assert.match(head!, /^app: sha256:[0-9a-f]{64} \(linux\/amd64, linux\/arm\/v7\)$/);
  assert.deepEqual(lines.map((line) => line.replace(/ sha256:[0-9a-f]{12}$/, "")), [
    `+ ${one.host}/app:1.2.3`,
    `+ ${one.host}/app:latest`,
    `+ ${two.host}/app:1.2.3`,
    `+ ${two.host}/app:latest`,
    "    + linux/amd64",
    "    + linux/arm/v7",
    "Plan: 4 to add, 0 to move, 0 unchanged.",
  ]);
  assert.equal((await run("plan")).code, 0);
  assert.equal((await run("apply", "--frozen")).code, 1);
  const locked = await run("lock");
  assert.deepEqual([locked.code, locked.stdout, locked.writes], [0, `${folder}/manifests.yaml.lock.json\n`, []]);
  const applied = await run("apply", "--frozen");
  assert.deepEqual([applied.code, applied.stderr], [0, ""]);
  assert.match(applied.stdout, /\nApplied: 4 added, 0 moved, 0 unchanged\.\n$/);
  const index = head!.split(" ")[1]!;
  assert.equal(await world.digest(two, "latest"), index);
  const lockText = await Deno.readTextFile(`${folder}/manifests.yaml.lock.json`);
  const lock = JSON.parse(lockText);
  assert.equal(lockText, `${JSON.stringify(lock, undefined, 2)}\n`);
  assert.deepEqual(Object.keys(lock.releases.app), ["index", "sources", "tags"]);
  assert.deepEqual(Object.keys(lock.releases.app.tags), Object.keys(lock.releases.app.tags).toSorted());
  assert.equal((await Deno.stat(`${folder}/manifests.yaml.lock.json`)).mode! & 0o777, 0o644);
  const again = await run("apply", "--digestfile", `${folder}/digest`, "--gitlab-dotenv", `${folder}/dotenv`);
  assert.deepEqual([again.code, again.writes], [0, []]);
  assert.equal(await Deno.readTextFile(`${folder}/digest`), index);
  assert.match(await Deno.readTextFile(`${folder}/dotenv`), new RegExp(`^MANIFESTS_TAGS=${one.host}/app:1.2.3 `, "m"));
  assert.match(again.stdout, /Applied: 0 added, 0 moved, 4 unchanged\.\n$/);
  assert.equal((await run("plan", "--detailed-exitcode")).code, 0);
  assert.equal(await Deno.readTextFile(`${folder}/manifests.yaml.lock.json`), lockText);
});

Deno.test("drift ends with 3 and immutable tags with 1, and nothing is written; --force, --update and --prune", async () => {
  await using world = await startWorld();
  const { run, one, two } = world;
  assert.equal((await run("apply")).code, 0);
  const index = await world.digest(two, "latest");
  await pushImage(clientOf(two.host).repository("app"), makeImage({ architecture: "amd64" }), "latest");
  for (const verb of ["plan", "apply"]) {
    const { code, stdout, stderr, writes } = await run(verb);
    assert.deepEqual([code, writes], [3, []], verb);
    assert.match(
      stdout,
      new RegExp(`^! ${two.host}/app:latest drift: published ${index!.slice(0, 19)}, found sha256`, "m"),
    );
    assert.match(stderr, /^Error: Cannot publish .*\/app:latest \(changed\): another writer changed these tags/);
  }
  assert.equal((await run("apply", "--force")).code, 0);
  assert.equal(await world.digest(two, "latest"), index);
  const rebuilt = await world.push("amd64", "", "built again");
  assert.equal((await run("plan", "--detailed-exitcode")).code, 0, "the lock has the old image");
  const refused = await run("apply", "--update");
  assert.deepEqual([refused.code, refused.writes], [1, []]);
  assert.match(refused.stderr, /immutable tags must not move/);
  const moved = await run("apply", "--update", "--prune", "--format", "json", "--var", "VERSION=1.2.4");
  assert.equal(moved.code, 0, moved.stderr);
  const { releases: [app], summary, written } = JSON.parse(moved.stdout);
  assert.equal(app.entries[0].digest, rebuilt);
  assert.deepEqual([summary.add, summary.move, summary.delete], [2, 2, 2]);
  const names = ["latest", "1.2.4"].flatMap((tag) => [one, two].map(({ host }) => `${host}/app:${tag}`));
  const old = [one, two].map(({ host }) => `${host}/app:1.2.3`);
  assert.deepEqual(written.toSorted(), [...names, ...old].toSorted());
  assert.equal(await world.digest(one, "1.2.3"), undefined);
  const change = app.tags.find(({ reference }: { reference: string }) => reference === `${two.host}/app:latest`);
  assert.deepEqual(change.difference.instances.map(({ platform }: { platform: string }) => platform), ["linux/amd64"]);
});

Deno.test("faults of the file and of the command line end with 1 and name the place", async () => {
  await using world = await startWorld();
  const { run, folder } = world;
  const rows: [string[], RegExp][] = [
    [["plan", "--var", "VERSIO=1"], /manifests\.yaml: it has no variable VERSIO: did you mean VERSION\?/],
    [["plan", "ap"], /Cannot find the release "ap" in .*: did you mean app\?/],
    [["plan", "manifests.yaml"], /name the file with --file manifests\.yaml/],
    [["apply", "--update", "--frozen"], /--update may not be used with --frozen/],
    [["apply", "--detailed-exitcode"], /release apply does not take --detailed-exitcode/],
    [["schema", "app"], /release schema takes no releases/],
    [["aply"], /unknown command "release aply": use plan, lock, apply, schema/],
    [["plan", "--file", `${folder}/none.yaml`], /Cannot read the release file .*none\.yaml: no such file/],
  ];
  for (const [[verb, ...flags], message] of rows) {
    const { code, stderr, writes } = await run(verb!, ...flags);
    assert.deepEqual([code, writes], [1, []], stderr);
    assert.match(stderr, message);
  }
});
