/** An image is written to a disk without inodes, or one that is read-only: a clear error, and no leftovers. */
import assert from "node:assert/strict";
import { copyImage, openStore } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { withDisk } from "../support/disks.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { type OddEntry, oddTar } from "../support/odd_tar.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { dumpTree } from "../support/store_dump.ts";
import { storageName } from "../support/stores.ts";

const tools = ["mount", "root"];
const file = (name: string): OddEntry => ({ name, content: encode(name) });
const LAYERS = [
  oddTar([{ name: "d/", type: "5" }, ...["d/a", "d/b", "d/c", "d/e"].map(file)]),
  oddTar([...["f", "g", "h"].map(file), { name: "d/.wh.a", content: new Uint8Array() }]),
];

/** A registry with `app:1` and `app:2`, which have a layer in common. */
async function start() {
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  await pushImage(repository, makeImage({ architecture: "amd64", layers: LAYERS }), "1");
  await pushImage(repository, makeImage({ architecture: "amd64", layers: [LAYERS[0]!, oddTar([file("other")])] }), "2");
  const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
  const copy = (tag: string, destination: string) =>
    copyImage(`docker://${registry.host}/app:${tag}`, destination, { systemContext, signaturePolicy: acceptAnything });
  return { registry, copy };
}

/** Lists what a failed write must not leave: images, incomplete layers, files of layers without a record. */
async function listLeftovers(root: string, driver: string): Promise<string[]> {
  const readRecords = async (kind: string): Promise<{ id: string; flags?: object }[]> =>
    JSON.parse(await Deno.readTextFile(`${root}/${driver}-${kind}/${kind}.json`).catch(() => "[]"));
  const layers = await readRecords("layers");
  const whole = layers.filter(({ flags }) => !flags).map(({ id }) => id);
  const isPart = (line: string) => /temp-dir-|"\.\/(vfs\/dir|overlay)\/[0-9a-f]{64}/.test(line);
  return [
    ...(await readRecords("images")).map(({ id }) => `image ${id}`),
    ...layers.filter(({ flags }) => flags).map(({ id }) => `layer ${id}`),
    ...(await Deno.stat(root).then(() => dumpTree(root), () => [])).filter((line) =>
      isPart(line) && !whole.some((id) => line.includes(id))
    ),
  ];
}

for (const driver of ["vfs", "overlay"]) {
  peerTest(`without inodes, an image in ${driver} fails with STORE_IO and leaves nothing`, tools, async () => {
    const { registry, copy } = await start();
    await using _registry = registry;
    let failures = 0;
    for (let inodes = 3, isDone = false; !isDone; inodes += 3) {
      await withDisk(`nr_inodes=${inodes}`, async (folder) => {
        const at = { driver, root: `${folder}/root`, runRoot: `${folder}/run` };
        const error = await copy("1", storageName(at, "localhost/app:1")).then(() => undefined, (error) => error);
        if (!error) return void (isDone = true);
        failures++;
        assert.equal(error.code, "STORE_IO", `${inodes} inodes: ${error.stack}`);
        assert.match(error.message, /^Cannot .*No space left on device/);
        assert.deepEqual(await listLeftovers(at.root, driver), [], `${inodes} inodes`);
      });
    }
    assert.ok(failures > 6, `only ${failures} failures`);
  });

  peerTest(`on a read-only disk, an image in ${driver} fails with STORE_IO and changes nothing`, tools, async () => {
    const { registry, copy } = await start();
    await using _registry = registry;
    await withDisk("size=8m", async (folder) => {
      const at = { driver, root: `${folder}/root`, runRoot: `${folder}/run` };
      await copy("1", storageName(at, "localhost/app:1"));
      const before = dumpTree(folder);
      await ok(["mount", "-o", "remount,ro", folder]);
      const failure = { code: "STORE_IO", message: /^Cannot .*Read-only file system/ };
      // An image with a new layer, one that only needs a name, and a store that does not exist yet.
      await assert.rejects(copy("2", storageName(at, "localhost/app:2")), failure);
      await assert.rejects(copy("1", storageName(at, "localhost/more:1")), failure);
      await assert.rejects(copy("1", storageName({ ...at, root: `${folder}/new` }, "localhost/app:1")), failure);
      assert.deepEqual(dumpTree(folder), before);
      await using store = await openStore(at);
      const { image } = (await store.findImage("localhost/app:1"))!;
      const layers = await store.layers!.listLayers(image.topLayer!);
      assert.equal(layers.length, LAYERS.length);
      for (const layer of layers) for await (const _chunk of await store.layers!.openLayer(layer)) { /* Verified. */ }
    });
  });
}
