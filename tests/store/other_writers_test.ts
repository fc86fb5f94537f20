/** Layers and records that other programs left, or keep in another way, when an image is written. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import type { CopyEvent } from "../../src/copy/room.ts";
import { readStream } from "../../src/internal/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { listLayerIds } from "../../src/store/containers_storage/writing/layer_chain.ts";
import { markIncomplete, readLayersFile } from "../../src/store/containers_storage/writing/layers_file.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { oddTar } from "../support/odd_tar.ts";
import { peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, readImagesJson, storageName, type TestStore } from "../support/stores.ts";

const [LOWER, UPPER, OTHER] = ["lower", "upper", "other"].map((name) => oddTar([{ name, content: encode(name) }]));
const [LOWER_ID, UPPER_ID] = listLayerIds([digestOf(LOWER!), digestOf(UPPER!)]) as [string, string];

/** A store, and `copy`, which copies an image with these layers into it and returns the outcomes for its blobs. */
async function makeWorld(driver: string) {
  const registry = startEmbedded();
  const at = await makeStore(driver);
  const copy = async (tag: string, layers: Uint8Array<ArrayBuffer>[]) => {
    await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64", layers }), tag);
    const outcomes: string[] = [];
    await copyImage(`docker://${registry.host}/app:${tag}`, storageName(at, `localhost/app:${tag}`), {
      systemContext: { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" },
      signaturePolicy: acceptAnything,
      onProgress: (event: CopyEvent) => void (event.type === "blob-done" && outcomes.push(event.outcome)),
    });
    return outcomes.sort();
  };
  const layersJson = `${at.root}/${driver}-layers/layers.json`;
  return {
    at,
    copy: (tag = "1", layers = [LOWER!, UPPER!]) => copy(tag, layers),
    files: (id: string) => driver === "vfs" ? `${at.root}/vfs/dir/${id}` : `${at.root}/overlay/${id}/diff`,
    readLayers: async (): Promise<Record<string, unknown>[]> => JSON.parse(await Deno.readTextFile(layersJson)),
    /** Adds members to the record of a layer, as another program could. */
    async changeLayer(id: string, members: Record<string, unknown>) {
      const records: Record<string, unknown>[] = JSON.parse(await Deno.readTextFile(layersJson));
      const changed = records.map((record) => record.id === id ? { ...record, ...members } : record);
      await Deno.writeTextFile(layersJson, JSON.stringify(changed, undefined, 1));
    },
    async [Symbol.asyncDispose]() {
      await at[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

async function assertReadable({ store }: TestStore): Promise<void> {
  const { image } = (await store.findImage("localhost/app:1"))!;
  const layers = await store.layers!.listLayers(image.topLayer!);
  const read = await Promise.all(layers.map(async (layer) => readStream(await store.layers!.openLayer(layer), 1e6)));
  assert.deepEqual(read.map((bytes) => digestOf(bytes!)), [digestOf(LOWER!), digestOf(UPPER!)]);
}

for (const driver of ["vfs", "overlay"]) {
  peerTest(`files of a layer without a record do not become part of it (${driver})`, ["root"], async () => {
    await using world = await makeWorld(driver);
    await Deno.mkdir(`${world.files(UPPER_ID)}/stray`, { recursive: true });
    await world.copy();
    const names = (await Array.fromAsync(Deno.readDir(world.files(UPPER_ID)))).map(({ name }) => name);
    assert.deepEqual(names.sort(), driver === "vfs" ? ["lower", "upper"] : ["upper"]);
    await assertReadable(world.at);
  });

  peerTest(`a layer that is marked as incomplete is written again (${driver})`, ["root"], async () => {
    await using world = await makeWorld(driver);
    await world.copy();
    await world.changeLayer(UPPER_ID, { flags: { incomplete: true } });
    await Deno.remove(`${world.files(UPPER_ID)}/upper`);
    assert.deepEqual(await world.copy(), ["reused", "written", "written"]);
    const layers = await world.readLayers();
    assert.deepEqual(layers.map(({ id, flags }) => [id, flags]), [[LOWER_ID, undefined], [UPPER_ID, undefined]]);
    await assertReadable(world.at);
  });
}

peerTest("an image is not put on a layer whose owners are mapped", ["root"], async () => {
  await using world = await makeWorld("vfs");
  await world.copy();
  await world.changeLayer(LOWER_ID, { uidmap: [{ container_id: 0, host_id: 1000, size: 1 }] });
  await assert.rejects(world.copy("2", [LOWER!, OTHER!]), { code: "STORE_READ_ONLY", message: /owners .* are mapped/ });
  assert.equal((await world.readLayers()).length, 2);
});

peerTest("an image whose id another image with other layers has is not written", ["root"], async () => {
  await using world = await makeWorld("vfs");
  await world.copy();
  const [image] = await readImagesJson(world.at);
  const path = `${world.at.root}/vfs-images/images.json`;
  await Deno.writeTextFile(path, JSON.stringify([{ ...image, layer: LOWER_ID }]));
  await assert.rejects(world.copy(), { code: "ID_IN_USE", message: /uses a different top layer/ });
});

peerTest("each change of the layers writes new last-writer bytes, by which others notice it", ["root"], async () => {
  await using world = await makeWorld("vfs");
  const seen = new Set<string>();
  for (const [tag, layer] of [["1", LOWER!], ["2", UPPER!], ["3", OTHER!]] as const) {
    await world.copy(tag, [layer]);
    seen.add((await Deno.readFile(`${world.at.root}/vfs-layers/layers.lock`)).toHex());
  }
  assert.deepEqual([seen.size, ...new Set([...seen].map(({ length }) => length))], [3, 128]);
});

folderTest("a layer that is marked as incomplete keeps its other flags and members", async (folder) => {
  const record = { id: "a", flags: { other: 1 }, unknown: [1], created: "2026-01-01T00:00:00Z" };
  await Deno.writeTextFile(`${folder}/layers.json`, JSON.stringify([record]));
  const [read] = await readLayersFile(folder);
  assert.equal(read!.isIncomplete, false);
  const { text, isIncomplete } = markIncomplete(read!);
  assert.deepEqual([JSON.parse(text), isIncomplete], [{ ...record, flags: { other: 1, incomplete: true } }, true]);
});
