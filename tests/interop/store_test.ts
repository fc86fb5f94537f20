/** One store, several tools: what we save they read, what they save we read, and nothing is lost. */
import assert from "node:assert/strict";
import { create, editList, loadFromImage } from "../../mod.ts";
import { digestOf } from "../../src/spec/room.ts";
import { clientOf, pushPlatforms } from "../support/images.ts";
import { CLI } from "../support/cli.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startDockerRegistry, startEmbedded } from "../support/registries.ts";
import { makeStore, readImagesJson, type TestStore } from "../support/stores.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64", variant: "v8" }, {
  architecture: "arm",
  variant: "v7",
}];

const buildah = ({ flags }: TestStore, ...args: string[]) => ok(["buildah", ...flags, ...args]);
const podman = ({ flags }: TestStore, ...args: string[]) => ok(["podman", ...flags, ...args]);

for (const driver of ["vfs", "overlay"]) {
  peerTest(`buildah and podman use a list saved here (${driver})`, ["buildah", "podman", "skopeo"], async () => {
    await using at = await makeStore(driver);
    await using registry = startEmbedded();
    const digests = await pushPlatforms(registry.host, "app", PLATFORMS);
    const list = create();
    for (const digest of digests) await list.add(`${registry.host}/app@${digest}`, { systemContext });
    list.setAnnotations(digests[1], { "<k>": "v&" });
    const id = await list.saveToImage(at.store, { names: ["mylist"] });
    for (const tool of [buildah, podman]) {
      const shown = JSON.parse(await tool(at, "manifest", "inspect", "mylist"));
      assert.deepEqual(shown.manifests.map((m: { digest: string }) => m.digest), digests);
    }
    await buildah(
      at,
      "manifest",
      "push",
      "--all",
      "--tls-verify=false",
      "mylist",
      `docker://${registry.host}/theirs:1`,
    );
    const theirs = await clientOf(registry.host).repository("theirs").getManifest("1");
    assert.deepEqual(theirs.bytes, list.serialize(), "buildah pushed the very bytes");
    assert.match(await podman(at, "images", "--no-trunc"), new RegExp(id));
    await podman(at, "manifest", "rm", "mylist");
    assert.equal(await at.store.findImage(id), undefined, "podman's removal is seen here at once");
  });
}

peerTest(
  "lists of buildah and podman are loaded, edited, saved and pushed here",
  ["buildah", "podman", "skopeo"],
  async () => {
    await using at = await makeStore();
    await using registry = await startDockerRegistry();
    await pushPlatforms(registry.host, "app", PLATFORMS);
    for (const [name, tool] of [["b", buildah], ["p", podman]] as const) {
      await tool(at, "manifest", "create", name);
      await tool(at, "manifest", "add", "--tls-verify=false", name, `docker://${registry.host}/app:amd64`);
      const added = await editList(at.store, name, async (list) => {
        list.setAnnotations(undefined, { by: "us" });
        return await list.add(`${registry.host}/app:arm64v8`, { systemContext });
      });
      const { list, imageId } = await loadFromImage(at.store, name);
      assert.equal(list.size, 2);
      const { digest } = await list.push(`${registry.host}/out:${name}`, { store: at.store, systemContext });
      const raw = await ok([
        "skopeo",
        "inspect",
        "--raw",
        "--tls-verify=false",
        `docker://${registry.host}/out:${name}`,
      ]);
      assert.equal(digestOf(new TextEncoder().encode(raw)), digest);
      assert.equal(JSON.parse(raw).annotations.by, "us");
      const shown = JSON.parse(await tool(at, "manifest", "inspect", name));
      assert.equal(shown.manifests[1].digest, added);
      await tool(at, "manifest", "remove", name, added);
      assert.deepEqual((await loadFromImage(at.store, imageId)).list.instances(), list.instances().slice(0, 1));
    }
  },
);

peerTest("the same operations give the same bytes as buildah's", ["buildah"], async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const digests = await pushPlatforms(registry.host, "app", PLATFORMS);
  await buildah(at, "manifest", "create", "theirs");
  const ours = create();
  const same = async () => {
    const { data } = (await at.store.findImage("localhost/theirs:latest", ["manifest"]))!;
    assert.equal(new TextDecoder().decode(ours.serialize()), new TextDecoder().decode(data.get("manifest")));
  };
  await same();
  for (const digest of digests) {
    await buildah(at, "manifest", "add", "--tls-verify=false", "theirs", `docker://${registry.host}/app@${digest}`);
    await ours.add(`${registry.host}/app@${digest}`, { systemContext });
    await same();
  }
  const annotate = (...flags: string[]) => buildah(at, "manifest", "annotate", ...flags, "theirs", digests[0]!);
  await annotate("--features", "sse", "--features", "avx");
  ours.setFeatures(digests[0]!, ["sse", "avx"]);
  await same();
  await annotate("--os-version", "1.2", "--os-features", "x", "--variant", "v3");
  ours.setOsVersion(digests[0]!, "1.2");
  ours.setOsFeatures(digests[0]!, ["x"]);
  ours.setVariant(digests[0]!, "v3");
  await same();
  await annotate("--annotation", "a=<b>&\u2028\u00fc", "--annotation", "10=x", "--annotation", "9=y");
  ours.setAnnotations(digests[0], { a: "<b>&\u2028\u00fc", "10": "x", "9": "y" });
  await same();
  for (const digest of digests) {
    await buildah(at, "manifest", "remove", "theirs", digest);
    ours.remove(digest);
    await same();
  }
});

peerTest(
  "a record of another tool is written back unchanged, with its unknown members",
  ["buildah"],
  async () => {
    await using at = await makeStore();
    await buildah(at, "manifest", "create", "one");
    const path = `${at.root}/vfs-images/images.json`;
    const before = await Deno.readTextFile(path);
    const id = await create().saveToImage(at.store, { names: ["two"] });
    await at.store.deleteImage(id);
    assert.equal(await Deno.readTextFile(path), before, "other records keep every byte");
    await Deno.writeTextFile(
      path,
      before.replace('"created"', '"flags":{"n":1.50},"new-field":[1,{"x":"]"}],"created"'),
    );
    await Deno.writeFile(`${at.root}/vfs-images/images.lock`, new Uint8Array(64).fill(1));
    await at.store.updateNames((await at.store.findImage("localhost/one:latest"))!.image.id, "add", [
      "localhost/uno:1",
    ]);
    const [record] = await readImagesJson(at);
    assert.deepEqual([record!["new-field"], record!.names], [[1, { x: "]" }], [
      "localhost/uno:1",
      "localhost/one:latest",
    ]]);
    assert.match(await Deno.readTextFile(path), /"flags":\{"n":1\.50\}.*"new-field":\[1,\{"x":"\]"\}\]\}\]$/);
    assert.match(await buildah(at, "images", "--format", "{{.Name}}:{{.Tag}}"), /localhost\/uno:1/);
  },
);

peerTest(
  "a name that podman moves to another image is moved here, and the other way round",
  ["podman", "buildah"],
  async () => {
    await using at = await makeStore();
    await buildah(at, "manifest", "create", "a");
    await podman(at, "tag", (await at.store.findImage("localhost/a:latest"))!.image.id, "localhost/extra:1").catch(
      () => {},
    );
    const id = await create().saveToImage(at.store, { names: ["b"] });
    await at.store.updateNames(id, "add", ["localhost/a:latest"]);
    const records = await readImagesJson(at);
    const owner = records.find(({ names }) => (names as string[] | undefined)?.includes("localhost/a:latest"))!;
    assert.equal(owner.id, id);
    assert.deepEqual(owner["names-history"], ["localhost/b:latest", "localhost/a:latest"]);
    assert.match(await buildah(at, "manifest", "inspect", "a"), /"manifests": null/);
  },
);

peerTest("twelve processes add one instance each to one list: twelve of twelve are kept", ["buildah"], async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const platforms = Array.from({ length: 12 }, (_, i) => ({ architecture: "arm64", variant: `x${i}` }));
  const digests = await pushPlatforms(registry.host, "app", platforms);
  await buildah(at, "manifest", "create", "list");
  const add = (digest: string) =>
    ok([...CLI, ...at.flags, "add", "--tls-verify=false", "list", `${registry.host}/app@${digest}`]);
  await Promise.all(digests.map(add));
  const { list } = await loadFromImage(at.store, "list");
  assert.deepEqual(list.instances().toSorted(), digests.toSorted());
  assert.equal(JSON.parse(await buildah(at, "manifest", "inspect", "list")).manifests.length, 12);
});

peerTest("six of our processes edit lists while buildah and podman create, tag and delete: no record is lost", [
  "buildah",
  "podman",
], async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const digests = await pushPlatforms(registry.host, "app", PLATFORMS);
  for (let i = 0; i < 6; i++) await create().saveToImage(at.store, { names: [`ours${i}`] });
  await buildah(at, "manifest", "create", "victim");
  const ours = Array.from({ length: 6 }, (_, i) => async () => {
    for (const digest of digests) {
      await ok([...CLI, ...at.flags, "add", "--tls-verify=false", `ours${i}`, `${registry.host}/app@${digest}`]);
    }
  });
  const theirs = [
    async () => {
      for (let i = 0; i < 6; i++) await buildah(at, "manifest", "create", `b${i}`);
      for (let i = 0; i < 3; i++) await buildah(at, "manifest", "rm", `b${i}`);
    },
    async () => {
      for (let i = 0; i < 6; i++) await podman(at, "manifest", "create", `p${i}`);
      for (let i = 0; i < 3; i++) await podman(at, "manifest", "rm", `p${i}`);
    },
  ];
  await Promise.all([...ours, ...theirs].map((work) => work()));
  const names = (await readImagesJson(at)).flatMap((record) => record.names as string[]).toSorted();
  const expected = [
    "victim",
    ...["b3", "b4", "b5", "p3", "p4", "p5"],
    ...Array.from({ length: 6 }, (_, i) => `ours${i}`),
  ]
    .map((name) => `localhost/${name}:latest`).toSorted();
  assert.deepEqual(names, expected);
  for (let i = 0; i < 6; i++) {
    assert.deepEqual((await loadFromImage(at.store, `ours${i}`)).list.instances(), digests);
    assert.equal(JSON.parse(await podman(at, "manifest", "inspect", `ours${i}`)).manifests.length, 3);
  }
  await buildah(at, "images");
  await podman(at, "images");
});

peerTest("an open store sees the changes that buildah makes later", ["buildah"], async () => {
  await using at = await makeStore();
  await create().saveToImage(at.store, { names: ["mine"] });
  assert.equal((await at.store.listImages()).length, 1);
  await buildah(at, "manifest", "create", "theirs");
  assert.deepEqual((await at.store.listImages()).flatMap(({ names }) => names), [
    "localhost/mine:latest",
    "localhost/theirs:latest",
  ]);
  const lock = await Deno.readFile(`${at.root}/vfs-images/images.lock`);
  await create().saveToImage(at.store, { names: ["again"] });
  const after = await Deno.readFile(`${at.root}/vfs-images/images.lock`);
  assert.equal(after.length, 64);
  assert.notDeepEqual(after, lock, "every save tells others to look again");
});

peerTest(
  "a list of an additional store is copied to the main store when it is changed, and is unchanged in the additional store",
  [
    "buildah",
    "podman",
    "root",
  ],
  async () => {
    await using extra = await makeStore();
    await using at = await makeStore();
    await buildah(extra, "manifest", "create", "shared");
    const conf = `${at.folder}/storage.conf`;
    await Deno.writeTextFile(
      conf,
      `[storage]\ndriver="vfs"\ngraphroot="${at.root}"\nrunroot="${at.runRoot}"\n[storage.options]\nadditionalimagestores=["${extra.root}"]\n`,
    );
    const env = { CONTAINERS_STORAGE_CONF: conf };
    const run = (...args: string[]) => new Deno.Command(CLI[0]!, { args: [...CLI.slice(1), ...args], env }).output();
    assert.equal((await run("exists", "shared")).code, 0);
    const before = await readImagesJson(extra);
    const removed = await run("rm", "shared");
    assert.equal(removed.code, 125);
    assert.match(new TextDecoder().decode(removed.stderr), /additional store/);
    assert.equal((await run("annotate", "--index", "--annotation", "a=b", "shared")).code, 0);
    assert.equal((await run("tag", "shared", "mine")).code, 0);
    for (const name of ["shared", "mine"]) {
      await ok(["buildah", "manifest", "inspect", name], env);
      assert.equal((await loadFromImage(at.store, name)).list.annotations(undefined).a, "b");
    }
    assert.deepEqual(await readImagesJson(extra), before);
    await ok(["podman", ...at.flags, "images"]);
    const info = JSON.parse(await ok(["buildah", "info"], env)).store;
    assert.deepEqual([info.GraphDriverName, info.GraphRoot, info.RunRoot], ["vfs", at.root, at.runRoot]);
  },
);
