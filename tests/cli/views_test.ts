/** Output formats: tables, trees, dry runs and events. */
import assert from "node:assert/strict";
import { cli, cliOk } from "../support/cli.ts";
import { clientOf, makeImage, makeTar, pushImage } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

/** Starts a registry with two images that share a layer, and saves a local list of them and an artifact. */
async function prepare() {
  const at = await makeStore();
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const digests = [];
  for (const architecture of ["amd64", "arm64"]) {
    const layers = [makeTar("base", "base"), makeTar("own", architecture)];
    digests.push(await pushImage(repository, makeImage({ architecture, layers }), architecture));
  }
  await Deno.writeTextFile(`${at.folder}/notes.txt`, "notes\n");
  const run = (...args: string[]) => cliOk([...at.flags, ...args]);
  await run("create", "--tls-verify=false", "list", `${registry.host}/app:amd64`, `${registry.host}/app:arm64`);
  await run("add", "--artifact", "--artifact-type", "a/b", "--annotation", "k=v", "list", `${at.folder}/notes.txt`);
  return {
    ...{ at, registry, digests, run },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await at[Symbol.asyncDispose]();
    },
  };
}

Deno.test("inspect shows local and remote lists as a table and as a tree", async () => {
  await using world = await prepare();
  const { at, registry, digests, run } = world;
  const target = `docker://${registry.host}/out:1`;
  await run("push", "-q", "--tls-verify=false", "list", target);
  for (const image of ["list", target]) {
    const table = (await run("inspect", "--tls-verify=false", "--format", "table", image)).split("\n");
    const rows = table.slice(2).map((line) => line.split(/ {2,}/));
    assert.match(table[0]!, image === "list" ? /^localhost\/list:latest$/ : /^docker:\/\/.*\/out:1$/);
    assert.match(table[1]!, /^sha256:\w{64} \(application\/vnd\.oci\.image\.index\.v1\+json\)$/);
    assert.deepEqual(rows.map(([platform, digest, , layers, notes]) => [platform, digest, layers, notes]), [
      ["PLATFORM", "DIGEST", "LAYERS", "NOTES"],
      ["linux/amd64", digests[0]!.slice(0, 19), "2 (1 shared)", undefined],
      ["linux/arm64", digests[1]!.slice(0, 19), "2 (1 shared)", undefined],
      ["-", rows[3]![1], "1", "artifact a/b, k=v"],
    ]);
    const tree = await run("inspect", "--tls-verify=false", "--format=tree", image);
    assert.equal(tree.match(/\(shared\)/g)?.length, 2);
    assert.match(tree, /├─ linux\/amd64 sha256:/);
    assert.match(tree, /└─ no platform sha256:\w+ \d+ B\n {3}├─ artifact a\/b\n {3}├─ annotation k=v\n {3}└─ sha256:/);
  }
  // Missing content is reported, and the rest is shown.
  await Deno.writeTextFile(`${at.folder}/notes.txt`, "other\n");
  await clientOf(registry.host).repository("app").deleteManifest(digests[0]!);
  const table = await run("inspect", "--tls-verify=false", "--format", "table", "list");
  assert.match(table, /linux\/amd64 .* cannot be read: .* no longer found at /);
  assert.match(table, /linux\/arm64 .* 2\n/);
  const { code, stderr } = await cli([...at.flags, "inspect", "--format", "xml", "list"]);
  assert.deepEqual([code, /choose one of json, table, tree/.test(stderr)], [125, true]);
});

Deno.test("push --dry-run prints what would be copied, and copies nothing", async () => {
  await using world = await prepare();
  const { at, registry, run } = world;
  const target = `docker://${registry.host}/out:1`;
  const plan = async (...flags: string[]) =>
    JSON.parse(await run("push", "--dry-run", "--tls-verify=false", "--format", "json", ...flags, "list", target));
  const fates = ({ blobs }: { blobs: { fate: string }[] }) => {
    const counts: Record<string, number> = {};
    for (const { fate } of blobs) counts[fate] = (counts[fate] ?? 0) + 1;
    return counts;
  };
  const before = await plan();
  // Three layers and two configurations are in the same registry; the file and configuration of the artifact are not.
  assert.deepEqual(fates(before), { mounted: 5, written: 2 });
  assert.equal(before.images.length, 3);
  const zstd = fates(await plan("--compression-format", "zstd"));
  assert.deepEqual([zstd.compressed, zstd.mounted], [3, 2]);
  assert.equal(await clientOf(registry.host).repository("out").headManifest("1"), undefined);
  const text = await run("push", "--dry-run", "--tls-verify=false", "list", target);
  assert.match(text, /^linux\/amd64 +sha256:\w{12} +unchanged +3 to mount \(\d+ B\)$/m);
  assert.match(text, /^total: 2 to copy \(\d+ B\), 5 to mount \(\d+ B\)\ndry run: nothing was written to docker:.*$/m);
  const docker = await run("push", "--dry-run", "--tls-verify=false", "--all", "list", `dir:${at.folder}/d`);
  assert.match(docker, /7 to copy/);
  await assert.rejects(Deno.stat(`${at.folder}/d`), Deno.errors.NotFound);
  await run("push", "-q", "--tls-verify=false", "list", target);
  assert.deepEqual(fates(await plan()), { reused: 7 });
});

Deno.test("push --progress=json writes events to stderr, and --format json writes the result to stdout", async () => {
  await using world = await prepare();
  const { at, registry } = world;
  const target = `docker://${registry.host}/out:1`;
  const push = (...flags: string[]) => cli([...at.flags, "push", "--tls-verify=false", ...flags, "list", target]);
  const events = await push("--progress=json");
  assert.equal(events.code, 0);
  const values = events.stderr.trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(events.stdout, `${values.at(-1).digest}\n`);
  assert.equal((await push("--progress=none")).stdout, events.stdout);
  assert.deepEqual([values[0].type, values[0].instances, values[0].images.length], ["planned", 3, 3]);
  assert.deepEqual([values.at(-1).type, values.at(-1).top], ["manifest-done", true]);
  assert.ok(values.every(({ time }) => !Number.isNaN(Date.parse(time))));
  const result = await push("--format", "json", "--format", "oci", "--progress", "none");
  assert.deepEqual([result.code, result.stderr], [0, ""]);
  const { digest, instances } = JSON.parse(result.stdout);
  assert.equal(digest, values.at(-1).digest);
  assert.equal(Object.keys(instances).length, 3);
  assert.equal((await push("--progress", "x")).code, 125);
  const bars = await push("--progress=bars");
  assert.match(bars.stderr, /✓ linux\/amd64 .*100%/);
});
