import assert from "node:assert/strict";
import { concatBytes, readChunks } from "../../src/internal/room.ts";
import { type Digest, digestOf, isManifestsError } from "../../src/spec/room.ts";
import { openContainersStorage } from "../../src/store/containers_storage/room.ts";
import type { LayerStore, StoredLayer } from "../../src/store/room.ts";
import { encode } from "../support/images.ts";
import { ok } from "../support/peers.ts";
import { gzipText, splitTar, type TestLayer, type TestPiece } from "../support/split_layers.ts";

const ID = "a".repeat(64), PARENT = "b".repeat(64);

/** A store whose files a test writes directly. */
class HandMadeStore implements AsyncDisposable {
  readonly layers: LayerStore;
  readonly additional: string;
  constructor(readonly folder: string, readonly driver: string) {
    this.additional = `${folder}/additional`;
    this.layers = openContainersStorage({
      graphRoot: `${folder}/root`,
      realRoot: `${folder}/root`,
      runRoot: `${folder}/run`,
      driver,
      additionalImageStores: [this.additional],
      driverOptions: [],
    }, "deno-only").layers!;
  }

  get root(): string {
    return `${this.folder}/root`;
  }

  layerFolder(id: string, root = this.root): string {
    return this.driver === "vfs" ? `${root}/vfs/dir/${id}` : `${root}/${this.driver}/${id}/diff`;
  }

  async writeRecords(records: unknown, root = this.root, file = "layers.json"): Promise<void> {
    await Deno.mkdir(`${root}/${this.driver}-layers`, { recursive: true });
    const text = typeof records === "string" ? records : JSON.stringify(records);
    await Deno.writeTextFile(`${root}/${this.driver}-layers/${file}`, text);
  }

  /** Adds a layer with its files, except those in `without`. */
  async add(pieces: readonly TestPiece[], { root = this.root, without = [] as string[] } = {}): Promise<TestLayer> {
    const layer = splitTar(pieces);
    await this.writeRecords([{ id: ID, "diff-digest": layer.digest, "diff-size": layer.tar.length }], root);
    await Deno.writeFile(`${root}/${this.driver}-layers/${ID}.tar-split.gz`, layer.tarSplit);
    await Deno.mkdir(this.layerFolder(ID, root), { recursive: true });
    for (const piece of pieces) {
      if (piece instanceof Uint8Array || typeof piece.name !== "string" || without.includes(piece.name)) continue;
      if (piece.name.endsWith("/")) continue;
      const path = `${this.layerFolder(ID, root)}/${piece.name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeFile(path, piece.content);
    }
    return layer;
  }

  async read(signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const layer = (await this.layers.listLayers(ID)).at(-1)!;
    return concatBytes(await Array.fromAsync(readChunks(await this.layers.openLayer(layer, { signal }))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function makeStore(driver = "vfs"): Promise<HandMadeStore> {
  return new HandMadeStore(await Deno.realPath(await Deno.makeTempDir({ prefix: "layers-" })), driver);
}

const header = (text: string) => encode(text.padEnd(512, "\0"));
const SECRET = encode("what only this machine knows\n");

/** Asserts that reading the layer fails with LAYER_NOT_REPRODUCIBLE and a reason. */
async function assertRefused(at: HandMadeStore, reason: RegExp): Promise<void> {
  await assert.rejects(at.read(), (error) => {
    assert.ok(isManifestsError(error, "LAYER_NOT_REPRODUCIBLE"), String(error));
    assert.match(error.message, reason);
    assert.ok(error.message.includes(ID));
    return true;
  });
}

for (const driver of ["vfs", "overlay"]) {
  Deno.test(`the tar archive of a layer is reassembled (${driver})`, async () => {
    await using at = await makeStore(driver);
    const big = crypto.getRandomValues(new Uint8Array(60_000));
    const { tar } = await at.add([
      header("dir/"),
      { name: "dir/", content: new Uint8Array() },
      header("dir/a"),
      { name: "dir/a", content: encode("hello\n") },
      encode(""),
      { name: "./dir//dotted", content: encode("dotted") },
      { name: "/rooted", content: encode("rooted") },
      { name: "ümlaut <&>\u2028", content: encode("utf-8") },
      { name: "large", content: concatBytes(Array.from({ length: 30 }, () => big)) },
      concatBytes(Array.from({ length: 9 }, () => big)),
      ...Array.from({ length: 100 }, (_, i) => ({ name: `many/${i}`, content: encode("x".repeat(i)) })),
      new Uint8Array(1024),
    ]);
    assert.equal(digestOf(await at.read()), digestOf(tar));
  });
}

Deno.test({
  name: "a name that is not UTF-8 is opened by its bytes, and cannot lead out of the layer either",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using at = await makeStore();
    const name = Uint8Array.of(...encode("d/"), 0xff, 0xfe);
    await at.add([header("h"), { name, content: SECRET }]);
    await Deno.mkdir(`${at.layerFolder(ID)}/d`);
    await Deno.writeFile(`${at.folder}/secret`, SECRET);
    const enter = `cd ${at.layerFolder(ID)}`;
    await assertRefused(at, /is missing/);
    for (const target of ["../../../../secret", `${at.folder}/secret`]) {
      await ok(["bash", "-c", `${enter}; ln -sfn ${target} d/$'\\xff\\xfe'`]);
      await assertRefused(at, /is missing or cannot be opened/);
    }
    await ok(["bash", "-c", `${enter}; rm d/*; cp ${at.folder}/secret d/$'\\xff\\xfe'`]);
    assert.ok((await at.read()).length > 512);
  },
});

Deno.test({
  name: "without a way to open it, a name that is not UTF-8 is refused, with what is missing",
  permissions: { read: true, write: true, ffi: false },
  async fn() {
    await using at = await makeStore();
    await at.add([header("h"), { name: Uint8Array.of(0xff), content: SECRET }]);
    await assertRefused(at, /--allow-ffi/);
  },
});

Deno.test("links among a file's folders are followed only inside the layer", async () => {
  const content = encode("over a link");
  for (const target of ["usr/lib", "/usr/lib", "../../../../usr/lib", "/usr/../usr/./lib", "hop"]) {
    await using at = await makeStore();
    const { digest } = await at.add([header("lib/so"), { name: "lib/so", content }], { without: ["lib/so"] });
    await Deno.mkdir(`${at.layerFolder(ID)}/usr/lib`, { recursive: true });
    await Deno.writeFile(`${at.layerFolder(ID)}/usr/lib/so`, content);
    await Deno.symlink("/usr/lib", `${at.layerFolder(ID)}/hop`);
    await Deno.symlink(target, `${at.layerFolder(ID)}/lib`);
    assert.equal(digestOf(await at.read()), digest, target);
  }
});

// Each of these would be read with the right digest if names were simply appended to the folder.
Deno.test("no name and no link leads out of a layer", async (t) => {
  const cases: { title: string; name: string; link?: (at: HandMadeStore) => [string, string]; reason: RegExp }[] = [
    { title: "..", name: "../../../../secret", reason: /leads out/ },
    { title: ".. inside", name: "d/../../../../../secret", reason: /leads out/ },
    { title: "a NUL", name: "secret\0", reason: /leads out/ },
    { title: "a link to a file", name: "f", link: (at) => [`${at.folder}/secret`, "f"], reason: /is a link/ },
    { title: "a relative link", name: "f", link: () => ["../../../../secret", "f"], reason: /is a link/ },
    { title: "a link to a folder", name: "d/secret", link: (at) => [at.folder, "d"], reason: /is missing/ },
    { title: "a relative one", name: "d/secret", link: () => ["../../../..", "d"], reason: /is missing/ },
    { title: "a link to itself", name: "d/secret", link: () => ["d", "d"], reason: /is a link/ },
  ];
  for (const { title, name, link, reason } of cases) {
    await t.step(title, async () => {
      await using at = await makeStore();
      await at.add([header("h"), { name, content: SECRET }], { without: [name] });
      await Deno.writeFile(`${at.folder}/secret`, SECRET);
      if (link) await Deno.symlink(link(at)[0], `${at.layerFolder(ID)}/${link(at)[1]}`);
      await assertRefused(at, reason);
    });
  }
});

Deno.test("the error names a changed file", async (t) => {
  const pieces = [
    header("a"),
    { name: "dir/a", content: encode("first") },
    { name: "dir/b", content: encode("second") },
    { name: "dir/c", content: new Uint8Array(700_000) },
    new Uint8Array(1024),
  ];
  const cases: [string, (path: string) => Promise<void>, RegExp][] = [
    ["changed", (path) => Deno.writeTextFile(path, "sEcond"), /"dir\/b" has different content/],
    ["shorter", (path) => Deno.writeTextFile(path, "sec"), /"dir\/b" is shorter than 6 bytes/],
    ["missing", (path) => Deno.remove(path), /"dir\/b" is missing/],
  ];
  for (const [title, damage, reason] of cases) {
    await t.step(title, async () => {
      await using at = await makeStore();
      await at.add(pieces);
      await damage(`${at.layerFolder(ID)}/dir/b`);
      await assertRefused(at, reason);
    });
  }
  await t.step({
    name: "a pipe, which keeps nobody waiting",
    ignore: Deno.build.os === "windows",
    async fn() {
      await using at = await makeStore();
      await at.add(pieces, { without: ["dir/b"] });
      await ok(["mkfifo", `${at.layerFolder(ID)}/dir/b`]);
      await assertRefused(at, /"dir\/b" is shorter/);
    },
  });
});

Deno.test("a layer with any difference fails before its end", async () => {
  await using at = await makeStore();
  const { tar } = await at.add([header("a"), { name: "a", content: new Uint8Array(900_000) }, new Uint8Array(1024)]);
  await at.writeRecords([{ id: ID, "diff-digest": digestOf(encode("another")), "diff-size": tar.length }]);
  await assertRefused(at, /does not reproduce/);
  await at.writeRecords([{ id: ID, "diff-digest": digestOf(tar), "diff-size": tar.length - 1 }]);
  await assertRefused(at, /does not reproduce/);
  await at.writeRecords([{ id: ID, "diff-digest": digestOf(tar) }]);
  assert.equal((await at.read()).length, tar.length);
});

Deno.test("a damaged tar-split file is rejected", async (t) => {
  const cases: [string, Uint8Array][] = [
    ["no gzip", encode("hello")],
    ["nothing", new Uint8Array()],
    ["no JSON", gzipText("{\n")],
    ["no object", gzipText("1\n")],
    ["no UTF-8", gzipText("").slice(0, 8)],
    ["an unknown type", gzipText('{"type":3,"payload":""}\n')],
    ["a size below zero", gzipText('{"type":1,"name":"a","size":-1,"payload":""}\n')],
    ["a size that is text", gzipText('{"type":1,"name":"a","size":"1","payload":""}\n')],
    ["a file without a name", gzipText('{"type":1,"size":1,"payload":""}\n')],
    ["a file without a checksum", gzipText('{"type":1,"name":"a","size":1,"payload":null}\n')],
    ["bytes that are not base64", gzipText('{"type":2,"payload":"?"}\n')],
    ["a line without an end", gzipText(" ".repeat(17 * 1024 * 1024))],
  ];
  for (const [title, content] of cases) {
    await t.step(title, async () => {
      await using at = await makeStore();
      await at.add([header("a")]);
      await Deno.writeFile(`${at.root}/vfs-layers/${ID}.tar-split.gz`, content);
      await assertRefused(at, /tar-split file is broken/);
    });
  }
});

Deno.test("a layer that cannot be reproduced is rejected before anything is read", async (t) => {
  await t.step("no tar-split file", async () => {
    await using at = await makeStore();
    await at.add([header("a")]);
    await Deno.remove(`${at.root}/vfs-layers/${ID}.tar-split.gz`);
    await assertRefused(at, /its tar-split file is missing/);
  });
  await t.step("no files", async () => {
    await using at = await makeStore();
    await at.add([header("a")]);
    await Deno.remove(at.layerFolder(ID), { recursive: true });
    await assertRefused(at, /its files are missing/);
  });
  await t.step("a layer of a container, which never was a tar", async () => {
    await using at = await makeStore();
    await at.add([header("a")]);
    await at.writeRecords([{ id: ID }]);
    await assertRefused(at, /does not know the digest of its tar/);
  });
  await t.step("another driver", async () => {
    await using at = await makeStore("btrfs");
    await at.add([header("a")]);
    await assertRefused(at, /storage driver "btrfs"/);
  });
  await t.step("composefs", async () => {
    await using at = await makeStore("overlay");
    await at.add([header("a")]);
    await Deno.mkdir(`${at.root}/overlay/${ID}/composefs-data`);
    await Deno.writeTextFile(`${at.root}/overlay/${ID}/composefs-data/composefs.blob`, "");
    await assertRefused(at, /composefs/);
  });
  await t.step("an id that is a path", async () => {
    await using at = await makeStore();
    const layer: StoredLayer = { id: "../x", parent: undefined, diffDigest: digestOf(SECRET), diffSize: 1 };
    await assert.rejects(at.layers.openLayer(layer), { code: "STORE_CORRUPT" });
  });
});

Deno.test("layers are listed base first, from all roots that record them", async () => {
  await using at = await makeStore();
  const digests = ["one", "two", "three"].map((text) => digestOf(encode(text)));
  const [top, middle, base] = [ID, PARENT, "c".repeat(64)] as [string, string, string];
  await at.writeRecords([{ id: top, parent: middle, "diff-digest": digests[0], "diff-size": 3 }]);
  const expected = { "expected-layer-diffid": digests[1] };
  await at.writeRecords(
    [{ id: middle, parent: base, "toc-digest": digests[2], "diff-size": -1, flags: expected }, { id: top }],
    at.root,
    "volatile-layers.json",
  );
  await at.writeRecords([{ id: base, created: "2026-01-01T00:00:00Z" }], at.additional);
  assert.deepEqual(await at.layers.listLayers(top), [
    { id: base, parent: undefined, diffDigest: undefined, diffSize: -1 },
    { id: middle, parent: base, diffDigest: digests[1], diffSize: -1 },
    { id: top, parent: middle, diffDigest: digests[0], diffSize: 3 },
  ]);
});

Deno.test("a layer of an additional store is read from there", async () => {
  await using at = await makeStore();
  const { digest } = await at.add([header("a"), { name: "a", content: encode("there") }], { root: at.additional });
  assert.equal(digestOf(await at.read()), digest);
});

Deno.test("damaged or incomplete records are rejected", async (t) => {
  const cases: [string, unknown][] = [
    ["no JSON", "[{"],
    ["no array", {}],
    ["no id", [{}]],
    ["an id that is a path", [{ id: "../../x" }]],
    ["a parent that is a path", [{ id: ID, parent: ".." }]],
    ["an invalid digest", [{ id: ID, "diff-digest": "sha256:x" }]],
    ["an unknown layer", []],
    ["nothing", "null"],
    ["an unknown parent", [{ id: ID, parent: PARENT }]],
    ["a layer below itself", [{ id: ID, parent: PARENT }, { id: PARENT, parent: ID }]],
    ["a layer that was never finished", [{ id: ID, flags: { incomplete: true } }]],
  ];
  for (const [title, records] of cases) {
    await t.step(title, async () => {
      await using at = await makeStore();
      await at.writeRecords(records);
      await assert.rejects(at.layers.listLayers(ID), { code: "STORE_CORRUPT" });
    });
  }
});

Deno.test("reading a layer can be stopped early or aborted", async () => {
  await using at = await makeStore();
  const { digest, tar } = await at.add([header("a"), { name: "a", content: new Uint8Array(3_000_000) }]);
  const layer: StoredLayer = { id: ID, parent: undefined, diffDigest: digest as Digest, diffSize: tar.length };
  for await (const chunk of readChunks(await at.layers.openLayer(layer))) {
    assert.ok(chunk.length > 0);
    break;
  }
  await (await at.layers.openLayer(layer)).cancel();
  const reason = new Error("enough");
  await assert.rejects(at.read(AbortSignal.abort(reason)), reason);
  const abort = new AbortController();
  const reader = (await at.layers.openLayer(layer, { signal: abort.signal })).getReader();
  await reader.read();
  abort.abort(reason);
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, reason);
});
