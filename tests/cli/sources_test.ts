/** Resolution of names to images. */
import assert from "node:assert/strict";
import { cli, cliOk } from "../support/cli.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { makeImage, pushImage, pushPlatforms } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const digestsOf = async ({ flags }: TestStore, list: string): Promise<string[]> => {
  const { manifests } = JSON.parse(await cliOk([...flags, "inspect", list]));
  return manifests.map(({ digest }: { digest: string }) => digest);
};

const storeImage = async (at: TestStore, from: string, name: string) =>
  await ok([
    "skopeo",
    "copy",
    "-q",
    "--src-tls-verify=false",
    from,
    `containers-storage:[vfs@${at.root}+${at.runRoot}]${name}`,
  ]);

peerTest(
  "the local image of a name comes first, and --explain prints the chosen image",
  ["skopeo", "root"],
  async () => {
    await using at = await makeStore();
    await using registry = startEmbedded();
    const [amd64, arm64] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, {
      architecture: "arm64",
    }]);
    const name = `${registry.host}/app:amd64`;
    // The local image of this name differs from the one in the registry.
    await storeImage(at, `docker://${registry.host}/app:arm64`, name);
    await cliOk([...at.flags, "create", "list"]);
    const id = (await at.store.findImage(name))!.image.id;
    const rows: [string, string, RegExp][] = [
      [name, arm64!, /containers-storage:\[.*\]@[0-9a-f]{64} because the store has it as .*\(linux\/arm64\)/],
      [id, arm64!, /because the store has it as/],
      [id.slice(0, 12), arm64!, /because the store has it as/],
      [`containers-storage:${name}`, arm64!, /because its transport says so/],
      [`docker://${name}`, amd64!, /docker:.* because its transport says so: .*\(linux\/amd64\)/],
      [`${registry.host}/app:arm64`, arm64!, /because the store has no image of that name/],
    ];
    for (const [image, digest, explanation] of rows) {
      const added = await cli([...at.flags, "add", "--explain", "--tls-verify=false", "list", image]);
      assert.equal(added.code, 0, added.stderr);
      assert.equal(added.stdout.trim().split(": ")[1], digest, image);
      assert.match(added.stderr, explanation);
    }
    const all = await cli([...at.flags, "add", "--all", "--explain", "--tls-verify=false", "list", name]);
    assert.match(all.stderr, /is one image, and all are wanted/);
    assert.match(all.stdout, new RegExp(amd64!));
  },
);

peerTest("create --amend turns the image that has the name into a list", ["skopeo", "root"], async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const [amd64, arm64] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, {
    architecture: "arm64",
  }]);
  await storeImage(at, `docker://${registry.host}/app:amd64`, "localhost/app:1");
  const image = (await at.store.findImage("localhost/app:1"))!.image.id;
  const args = ["create", "--amend", "--tls-verify=false", "app:1", `${registry.host}/app:arm64`];
  const id = await cliOk([...at.flags, ...args]);
  assert.notEqual(id, image);
  assert.deepEqual(await digestsOf(at, "app:1"), [amd64, arm64]);
  assert.equal((await at.store.findImage(image))?.image.id, image, "the image still exists");
  await cliOk([...at.flags, "push", "-q", "--insecure", "app:1", `dir:${at.folder}/out`]);
});

Deno.test("add with several images adds all or none", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const [amd64, arm64] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, {
    architecture: "arm64",
  }]);
  const image = (tag: string) => `${registry.host}/app:${tag}`;
  await cliOk([...at.flags, "create", "list"]);
  const add = (...tags: string[]) => cli([...at.flags, "add", "--tls-verify=false", "list", ...tags.map(image)]);
  assert.equal((await add("amd64", "none")).code, 125);
  assert.equal(JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests, null);
  const both = await add("amd64", "arm64");
  assert.deepEqual(both.stdout.match(/sha256:\w+/g), [amd64, arm64]);
});

/** Starts a registry for one user, which records all credentials that it receives. */
async function startGuarded(user: string) {
  const password = `pw-${user}`;
  const { fetch } = createRegistry({
    storage: createMemoryStorage(),
    access: { scheme: "basic", users: { [user]: password } },
  });
  const seen = new Set<string>();
  const registry = serve((request) => {
    const authorization = request.headers.get("authorization");
    if (authorization) seen.add(atob(authorization.replace("Basic ", "")));
    return fetch(request);
  });
  const client = new RegistryClient(registry.host, { insecure: true, credentials: { username: user, password } });
  await pushImage(client.repository("app"), makeImage({ architecture: user }), "1");
  return { ...registry, seen, pair: `${user}:${password}`, image: `${registry.host}/app:1` };
}

Deno.test("credentials are only sent to their registry", async () => {
  await using at = await makeStore();
  await using one = await startGuarded("one");
  await using two = await startGuarded("two");
  await cliOk([...at.flags, "create", "list"]);
  const add = (creds: string[], ...images: string[]) =>
    cli([...at.flags, "add", "--insecure", ...creds.flatMap((text) => ["--creds", text]), "list", ...images]);
  const refused = await add([one.pair], one.image, two.image);
  assert.match(refused.stderr, new RegExp(`several are used \\(${one.host}, ${two.host}\\)`));
  assert.doesNotMatch(refused.stderr, /pw-/);
  assert.equal((await add([], one.image)).code, 125);
  const named = await add([`${one.host}=${one.pair}`, `${two.host}=${two.pair}`], one.image, two.image);
  assert.equal(named.code, 0, named.stderr);
  assert.equal((await add([two.pair], two.image)).code, 0);
  assert.equal((await add([one.pair, one.pair], one.image)).code, 125);
  // Credentials of the destination are not sent to the source registry.
  const push = ["push", "-q", "--insecure", "--creds", two.pair, "list", `${two.host}/out:1`];
  assert.equal((await cli([...at.flags, ...push])).code, 125);
  const both = ["--creds", two.pair, "--creds", `${one.host}=${one.pair}`];
  assert.equal((await cli([...at.flags, "push", ...both, "-q", "--insecure", "list", `${two.host}/out:1`])).code, 0);
  assert.deepEqual([one.seen, two.seen], [new Set([one.pair]), new Set([two.pair])]);
});

Deno.test("instances are found by platform and by image", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const [amd64, arm64] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, {
    architecture: "arm64",
  }]);
  const image = (tag: string) => `${registry.host}/app:${tag}`;
  const id = await cliOk([...at.flags, "create", "--tls-verify=false", "list", image("amd64"), image("arm64")]);
  const annotate = (text: string) =>
    cliOk([...at.flags, "annotate", "--tls-verify=false", "--annotation", "a=b", "list", text]);
  assert.equal(await annotate("linux/arm64"), `${id}: ${arm64}`);
  assert.equal(await annotate(image("amd64")), `${id}: ${amd64}`);
  assert.equal(await annotate(`docker://${image("arm64")}`), `${id}: ${arm64}`);
  const unknown: [string, RegExp][] = [
    ["linux/s390x", /no such platform \(its platforms are linux\/amd64, linux\/arm64\)/],
    ["bogus", /not a digest, an artifact file, a platform or a local image/],
  ];
  for (const [text, reason] of unknown) {
    const { code, stderr } = await cli([...at.flags, "remove", "list", text]);
    assert.deepEqual([code, reason.test(stderr)], [125, true], stderr);
  }
  await cliOk([...at.flags, "annotate", "--arch", "amd64", "list", arm64!]);
  const { stderr } = await cli([...at.flags, "remove", "list", "linux/amd64"]);
  assert.match(stderr, /Cannot find the instance for "linux\/amd64": it matches 2 instances/);
  assert.equal(
    await cliOk([...at.flags, "remove", "--format", "json", "list", amd64!]),
    JSON.stringify({ id, instance: amd64 }, undefined, 4),
  );
});
