/** Edits of lists that change nothing: the bytes that others wrote stay, and a store is not written. */
import assert from "node:assert/strict";
import { createMemoryStore, editList, List } from "../../mod.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";

const DIGEST = digestOf(encode("manifest"));
/** An index and a Docker list in bytes that we never write. */
const ODD = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList].map((mediaType) => {
  const platform = { architecture: "amd64", os: "linux" };
  const entry = { platform, size: 8, digest: DIGEST, mediaType: MEDIA_TYPES.ociManifest, "com.example": 1 };
  return { mediaType, bytes: encode(JSON.stringify({ mediaType, manifests: [entry], schemaVersion: 2 }, null, 5)) };
});

/** A store with a list as another program wrote it; returns what the store has, and how often it was written. */
async function makeStore(manifest: Uint8Array<ArrayBuffer>) {
  const inner = createMemoryStore();
  const instances = encode({ "": "x", [DIGEST]: "docker://registry.example/app:1" });
  await inner.createImage({
    names: ["localhost/list:1"],
    data: [{ key: "manifest", bytes: manifest }, { key: "instances.json", bytes: instances }],
  });
  await editList(inner, "localhost/list:1", (list) => list.setOs(DIGEST, "linux"));
  let writes = 0;
  const store = new Proxy(inner, {
    get(target, name) {
      if (name === "writeBigData") writes++;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const read = async () => (await inner.findImage("localhost/list:1", ["manifest"]))!.data.get("manifest");
  return { store, read, writes: () => writes };
}

for (const { mediaType, bytes } of ODD) {
  Deno.test(`an edit that changes nothing does not write the store: ${mediaType}`, async () => {
    const { store, read, writes } = await makeStore(bytes);
    assert.deepEqual(await read(), bytes);
    for (const edit of [() => {}, (list: List) => list.setArchitecture(DIGEST, "amd64")]) {
      await editList(store, "localhost/list:1", edit);
    }
    assert.deepEqual([await read(), writes()], [bytes, 0]);
    await editList(store, "localhost/list:1", (list) => list.setVariant(DIGEST, "v3"));
    assert.equal(writes(), 1);
    assert.notDeepEqual(await read(), bytes);
  });

  Deno.test(`a list is saved as it was read, until something in it changes: ${mediaType}`, async () => {
    const list = List.fromBlob(bytes);
    const saved = async () => {
      const store = createMemoryStore();
      const id = await list.saveToImage(store, { mimeType: mediaType });
      return (await store.findImage(id, ["manifest"]))!.data.get("manifest");
    };
    list.setOs(DIGEST, "windows");
    list.setOs(DIGEST, "linux");
    assert.deepEqual(await saved(), bytes);
    list.setOs(DIGEST, "windows");
    assert.deepEqual(await saved(), list.serialize(mediaType));
  });
}
