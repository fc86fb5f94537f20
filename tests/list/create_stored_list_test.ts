/** Lists that are created under a name: who has the name, and what `amend` and `replace` make of it. */
import assert from "node:assert/strict";
import {
  createMemoryStore,
  createStoredList,
  type ImageStore,
  isManifestsError,
  loadFromImage,
  type ManifestList,
} from "../../mod.ts";
import { digestOf, MEDIA_TYPES, parseManifest } from "../../src/spec/room.ts";
import { describe, encode } from "../support/images.ts";
import { makeStore } from "../support/stores.ts";

const DIGESTS = ["a", "b", "c"].map((text) => digestOf(encode(text)));

/** Returns a callback that adds one instance. */
function addInstance(i: number): (list: ManifestList) => void {
  return (list) => list.addInstance({ digest: DIGESTS[i]!, size: 1, mediaType: MEDIA_TYPES.ociManifest });
}

async function readInstances(store: ImageStore, image: string): Promise<string[]> {
  return (await loadFromImage(store, image)).list.instances();
}

Deno.test("a new list gets the complete name, and nothing is saved if it cannot be filled", async () => {
  await using store = createMemoryStore();
  const broken = createStoredList(store, "app", () => Promise.reject(new Error("broken")));
  await assert.rejects(broken, /^Error: broken$/);
  assert.deepEqual(await store.listImages(), []);
  const id = await createStoredList(store, "app", addInstance(0));
  assert.deepEqual((await store.findImage(id))?.image.names, ["localhost/app:latest"]);
  assert.deepEqual(await readInstances(store, "app"), [DIGESTS[0]]);
});

Deno.test("a name that is taken is reported before the list is filled", async () => {
  await using store = createMemoryStore();
  const id = await createStoredList(store, "app", addInstance(0));
  const second = createStoredList(store, "localhost/app:latest", () => assert.fail("was filled"));
  await assert.rejects(second, (error) => isManifestsError(error, "NAME_IN_USE") && error.message.includes(id));
});

Deno.test("amend fills the list that has the name, and creates one if there is none", async () => {
  await using store = createMemoryStore();
  const id = await createStoredList(store, "app", addInstance(0), { amend: true });
  assert.equal(await createStoredList(store, "app", addInstance(1), { amend: true }), id);
  assert.deepEqual(await readInstances(store, id), DIGESTS.slice(0, 2));
  assert.equal((await store.listImages()).length, 1);
});

Deno.test("replace takes the name from a list, which is kept", async () => {
  await using store = createMemoryStore();
  const old = await createStoredList(store, "app", addInstance(0));
  const id = await createStoredList(store, "app", addInstance(1), { replace: true });
  assert.deepEqual([await readInstances(store, "app"), await readInstances(store, old)], [[DIGESTS[1]], [DIGESTS[0]]]);
  assert.notEqual(id, old);
  assert.deepEqual((await store.findImage(old))?.image.names, []);
});

Deno.test("replace does not add the image that had the name", async () => {
  await using store = createMemoryStore();
  await store.createImage({ names: ["localhost/app:latest"], data: [{ key: "manifest", bytes: encode({}) }] });
  await createStoredList(store, "app", addInstance(1), { replace: true });
  assert.deepEqual(await readInstances(store, "app"), [DIGESTS[1]]);
});

Deno.test("with amend, a list that another program creates at the same time is filled", async () => {
  await using store = createMemoryStore();
  const fillWhileOther = (calls: string[]) => async (list: ManifestList) => {
    calls.push("fill");
    if (calls.length === 1) await createStoredList(store, "app", addInstance(0));
    addInstance(1)(list);
  };
  const calls: string[] = [];
  const id = await createStoredList(store, "app", fillWhileOther(calls), { amend: true });
  assert.deepEqual([calls.length, await readInstances(store, id)], [2, DIGESTS.slice(0, 2)]);
  assert.equal((await store.listImages()).length, 1);

  await store.deleteImage(id);
  await assert.rejects(
    createStoredList(store, "app", fillWhileOther([])),
    (error) => isManifestsError(error, "NAME_IN_USE"),
  );
  assert.deepEqual(await readInstances(store, "app"), [DIGESTS[0]]);
});

const CONFIG = encode({ architecture: "arm64", os: "linux", rootfs: { type: "layers", diff_ids: [] } });

for (
  const [imageType, configType, listType] of [
    [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociConfig, MEDIA_TYPES.ociIndex],
    [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerConfig, MEDIA_TYPES.dockerList],
  ] as const
) {
  Deno.test(`with amend, an image becomes the first instance of a list of its format: ${imageType}`, async () => {
    await using at = await makeStore();
    const config = describe(configType, CONFIG);
    const manifest = encode({ schemaVersion: 2, mediaType: imageType, config, layers: [] });
    const image = await at.store.createImage({
      names: ["localhost/app:latest"],
      data: [{ key: "manifest", bytes: manifest }, { key: config.digest, bytes: CONFIG }],
    });
    const id = await createStoredList(at.store, "app", addInstance(0), { amend: true });
    assert.deepEqual(await readInstances(at.store, "app"), [digestOf(manifest), DIGESTS[0]]);
    const saved = (await at.store.findImage(id, ["manifest"]))?.data.get("manifest");
    assert.equal(parseManifest(saved!).mediaType, listType);
    assert.deepEqual((await at.store.findImage(image.id))?.image.names, [], "the image is kept");
  });
}

Deno.test("a list that is damaged cannot be amended", async () => {
  await using store = createMemoryStore();
  await store.createImage({ names: ["localhost/app:latest"], data: [] });
  const amended = createStoredList(store, "app", addInstance(0), { amend: true });
  await assert.rejects(amended, /its manifest is missing in the store/);
});

Deno.test("options that contradict each other or are unknown are an error, and an abort saves nothing", async () => {
  await using store = createMemoryStore();
  await assert.rejects(createStoredList(store, "app", () => {}, { amend: true, replace: true }), TypeError);
  await assert.rejects(createStoredList(store, "app", () => {}, { ammend: true } as object), /"ammend" is not known/);
  const controller = new AbortController();
  const aborted = createStoredList(store, "app", () => controller.abort(new Error("stop")), controller);
  await assert.rejects(aborted, /^Error: stop$/);
  assert.deepEqual(await store.listImages(), []);
});
