/** Layers that a store, or an additional store, already has are used; images can have their own store. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import type { CopyEvent } from "../../src/copy/room.ts";
import { type ByteStream, readStream } from "../../src/internal/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { type Digest, digestOf } from "../../src/spec/room.ts";
import { cliOk } from "../support/cli.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { oddTar } from "../support/odd_tar.ts";
import { exists } from "@std/fs";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, storageName, type TestStore } from "../support/stores.ts";
import { openStore } from "../../mod.ts";

const layer = (name: string) => oddTar([{ name, content: encode(`content of ${name}`) }]);
const [FIRST, SECOND, THIRD] = [layer("first"), layer("second"), layer("third")];

/** A registry with images of these layers by tag. */
async function startWith(images: Record<string, Uint8Array<ArrayBuffer>[]>) {
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  for (const [tag, layers] of Object.entries(images)) {
    await pushImage(repository, makeImage({ architecture: "amd64", layers }), tag);
  }
  return { registry, from: (tag: string) => `docker://${registry.host}/app:${tag}` };
}

/** Copies an image and returns the outcomes for its blobs. */
async function copy(from: string, to: string): Promise<string[]> {
  const outcomes: string[] = [];
  const onProgress = (event: CopyEvent) => void (event.type === "blob-done" && outcomes.push(event.outcome));
  const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
  await copyImage(from, to, { systemContext, signaturePolicy: acceptAnything, onProgress });
  return outcomes.sort();
}

async function readLayers(root: string, driver: string): Promise<{ id: string; parent?: string }[]> {
  return JSON.parse(await Deno.readTextFile(`${root}/${driver}-layers/layers.json`).catch(() => "[]"));
}

async function assertReadable({ store }: Pick<TestStore, "store">, name: string, layers: Uint8Array[]): Promise<void> {
  const { image } = (await store.findImage(name))!;
  const stored = await store.layers!.listLayers(image.topLayer!);
  const digests: Digest[] = [];
  for (const layer of stored) {
    digests.push(digestOf((await readStream(await store.layers!.openLayer(layer) as ByteStream, 1e6))!));
  }
  assert.deepEqual(digests, layers.map((layer) => digestOf(layer)));
}

peerTest("layers of a store are used by their digest, also above other layers", ["root"], async () => {
  const images = { a: [FIRST, SECOND], b: [SECOND], c: [FIRST, THIRD], d: [FIRST, FIRST] };
  const { registry, from } = await startWith(images);
  await using _registry = registry;
  for (const driver of ["vfs", "overlay"]) {
    await using at = await makeStore(driver);
    const name = (tag: string) => storageName(at, `localhost/${tag}:1`);
    assert.deepEqual(await copy(from("a"), name("a")), ["written", "written", "written"]);
    assert.deepEqual(await copy(from("a"), name("again")), ["reused", "reused", "written"]);
    assert.deepEqual(await copy(from("b"), name("b")), ["reused", "written"]);
    assert.deepEqual(await copy(from("c"), name("c")), ["reused", "written", "written"]);
    await copy(from("d"), name("d"));
    assert.equal((await readLayers(at.root, driver)).length, 5);
    for (const [tag, layers] of Object.entries(images)) await assertReadable(at, `localhost/${tag}:1`, layers);
    const [first] = await at.store.listImages();
    assert.deepEqual(first!.names, ["localhost/again:1", "localhost/a:1"]);
  }
});

peerTest("a layer that an image has twice arrives once, and each has its own files", ["root"], async () => {
  const layers = [FIRST, SECOND, FIRST];
  const { registry, from } = await startWith({ twice: layers });
  await using _registry = registry;
  for (const driver of ["vfs", "overlay"]) {
    await using at = await makeStore(driver);
    assert.deepEqual(await copy(from("twice"), storageName(at, "localhost/twice:1")), Array(3).fill("written"));
    assert.equal((await readLayers(at.root, driver)).length, 3);
    await assertReadable(at, "localhost/twice:1", layers);
  }
});

peerTest("layers of an additional store are used, but not as a base", ["skopeo", "buildah", "root"], async () => {
  const { registry, from } = await startWith({ a: [FIRST, SECOND], b: [FIRST, THIRD] });
  await using _registry = registry;
  for (const driver of ["vfs", "overlay"]) {
    await using other = await makeStore(driver);
    await ok(["skopeo", "copy", "-q", "--src-tls-verify=false", from("a"), storageName(other, "localhost/a:1")]);
    await using at = await makeStore(driver);
    const name = (tag: string) =>
      storageName(at, `localhost/${tag}:1`).replace("]", `:${driver}.imagestore=${other.root}]`);
    assert.deepEqual(await copy(from("a"), name("new")), ["reused", "reused", "written"]);
    assert.deepEqual(await readLayers(at.root, driver), []);
    assert.deepEqual(await copy(from("b"), name("b")), ["reused", "written", "written"]);
    assert.equal((await readLayers(at.root, driver)).length, 2);
    await using store = await openStore({ ...at, driverOptions: [`imagestore=${other.root}`] });
    await assertReadable({ store }, "localhost/new:1", [FIRST, SECOND]);
    await assertReadable({ store }, "localhost/b:1", [FIRST, THIRD]);
    const flags = [...at.flags, "--storage-opt", `${driver}.imagestore=${other.root}`];
    const container = (await ok(["buildah", ...flags, "from", "--pull-never", "localhost/new:1"])).trim();
    const mounted = (await ok(["buildah", ...flags, "mount", container])).trim();
    assert.equal(await Deno.readTextFile(`${mounted}/second`), "content of second");
    await ok(["buildah", ...flags, "rm", container]);
  }
});

peerTest(
  "an image that an additional store has under other names keeps them",
  ["skopeo", "buildah", "root"],
  async () => {
    const { registry, from } = await startWith({ a: [FIRST], b: [SECOND] });
    await using _registry = registry;
    for (const driver of ["vfs", "overlay"]) {
      await using other = await makeStore(driver);
      const theirs = (name: string) => storageName(other, `localhost/${name}:1`);
      for (const name of ["old", "taken"]) {
        await ok(["skopeo", "copy", "-q", "--src-tls-verify=false", from("a"), theirs(name)]);
      }
      const { image: original } = (await other.store.findImage("localhost/old:1"))!;
      await other.store.writeBigData(original.id, [{ key: "their-item", bytes: encode("x") }]);
      await using at = await makeStore(driver);
      const ours = (name: string) =>
        storageName(at, `localhost/${name}:1`).replace("]", `:${driver}.imagestore=${other.root}]`);
      await copy(from("b"), ours("taken"));
      await copy(from("a"), ours("new"));
      await using store = await openStore({ ...at, driverOptions: [`imagestore=${other.root}`] });
      const { image, data } = (await store.findImage("localhost/old:1", ["their-item"]))!;
      assert.deepEqual([image.id, image.readOnly], [original.id, false]);
      assert.deepEqual(image.names.toSorted(), ["localhost/new:1", "localhost/old:1"]);
      assert.deepEqual(data.get("their-item"), encode("x"));
      assert.notEqual((await store.findImage("localhost/taken:1"))!.image.id, original.id, "a name in use stays");
      await assertReadable({ store }, "localhost/old:1", [FIRST]);
      const flags = [...at.flags, "--storage-opt", `${driver}.imagestore=${other.root}`];
      const names = await ok(["buildah", ...flags, "images", "--format", "{{.Name}}", "--filter", `id=${original.id}`]);
      assert.match(names, /localhost\/old/);
      // The newest skopeo also keeps these; the configuration has no time.
      const read = async (place: TestStore) =>
        JSON.parse(await Deno.readTextFile(`${place.root}/${driver}-images/images.json`));
      const [theirRecord] = await read(other);
      const copied = (await read(at)).find(({ id }: { id: string }) => id === original.id);
      assert.deepEqual([copied.created, copied.digest], [theirRecord.created, theirRecord.digest]);
      assert.deepEqual(
        copied["names-history"].toSorted(),
        [
          "localhost/new:1",
          ...theirRecord["names-history"],
        ].toSorted(),
      );
    }
  },
);

peerTest("images go to the image store; only their tar-split files stay in the root", ["root"], async () => {
  const { registry, from } = await startWith({ a: [FIRST, SECOND] });
  await using _registry = registry;
  for (const driver of ["vfs", "overlay"]) {
    await using at = await makeStore(driver);
    const imageStore = `${at.folder}/images`;
    const flags = [...at.flags, "--imagestore", imageStore];
    const args = ["copy", "-q", "--insecure-policy", "--src-tls-verify=false", from("a")];
    await cliOk([...flags, ...args, "containers-storage:localhost/a:1"]);
    const layers = await readLayers(imageStore, driver);
    assert.deepEqual([layers.length, await readLayers(at.root, driver)], [2, []]);
    for (const { id } of layers) {
      assert.ok(await exists(`${at.root}/${driver}-layers/${id}.tar-split.gz`));
      assert.ok(await exists(driver === "vfs" ? `${imageStore}/vfs/dir/${id}` : `${imageStore}/overlay/${id}/diff`));
    }
    await using store = await openStore({ ...at, imageStore });
    await assertReadable({ store }, "localhost/a:1", [FIRST, SECOND]);
    await cliOk([...flags, "delete", "containers-storage:localhost/a:1"]);
    assert.deepEqual(await readLayers(imageStore, driver), []);
  }
});

peerTest("buildah bud builds on an image that was written here", ["buildah", "root"], async () => {
  const { registry, from } = await startWith({ a: [FIRST, SECOND] });
  await using _registry = registry;
  await using at = await makeStore();
  await copy(from("a"), storageName(at, "localhost/base:1"));
  await Deno.mkdir(`${at.folder}/context`);
  await Deno.writeFile(`${at.folder}/context/file`, encode("copied"));
  await Deno.writeTextFile(`${at.folder}/context/Containerfile`, "FROM localhost/base:1\nCOPY file /file\n");
  const build = ["bud", "-q", "--isolation", "chroot", "--pull-never", "-t", "localhost/built:1"];
  await ok(["buildah", ...at.flags, ...build, `${at.folder}/context`]);
  const layersOf = async (name: string) =>
    (await at.store.layers!.listLayers((await at.store.findImage(name))!.image.topLayer!)).map(({ id }) => id);
  assert.deepEqual((await layersOf("localhost/built:1")).slice(0, 2), await layersOf("localhost/base:1"));
  // The image that buildah built is read back, and the list can have it.
  const container = await ok(["buildah", ...at.flags, "from", "--pull-never", "localhost/built:1"]);
  const mounted = await ok(["buildah", ...at.flags, "mount", container]);
  const contents = await Promise.all(
    ["first", "second", "file"].map((name) => Deno.readTextFile(`${mounted}/${name}`)),
  );
  assert.deepEqual(contents, ["content of first", "content of second", "copied"]);
  await ok(["buildah", ...at.flags, "rm", container]);
  await copy(storageName(at, "localhost/built:1"), `dir:${at.folder}/built`);
});
