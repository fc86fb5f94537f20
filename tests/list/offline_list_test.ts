/** Lists that reach neither registries nor files. */
import assert from "node:assert/strict";
import { createMemoryStore } from "../../mod.ts";
import { OfflineList } from "../../src/list/room.ts";
import { digestOf } from "../../src/spec/room.ts";

const DIGEST = digestOf(new Uint8Array([1]));

Deno.test("an offline list is edited, saved and loaded again", async () => {
  await using store = createMemoryStore();
  const list = new OfflineList();
  list.addInstance({ digest: DIGEST, size: 1, mediaType: "application/vnd.oci.image.manifest.v1+json" });
  const id = await list.saveToImage(store, { names: ["app"] });
  const loaded = await OfflineList.load(store, "app");
  assert.equal(loaded.imageId, id);
  assert.deepEqual(loaded.list.instances(), [DIGEST]);
  loaded.list.setAnnotations(undefined, { team: "release" });
  assert.equal(await loaded.list.saveToImage(store), id);
  const { list: again } = await OfflineList.load(store, id);
  assert.deepEqual(again.annotations(undefined), { team: "release" });
  await assert.rejects(OfflineList.load(store, "other"), { code: "LIST_IMAGE_UNKNOWN" });
});

Deno.test("an offline list reaches no other places, no files and no policy", async () => {
  const list = new OfflineList();
  await assert.rejects(list.add("docker://registry.example/app:1"), { code: "UNSUPPORTED_TRANSPORT" });
  await assert.rejects(list.push("docker://registry.example/app:1"), { code: "UNSUPPORTED_TRANSPORT" });
  await assert.rejects(list.addArtifact(["file"]), { code: "ARTIFACT_UNAVAILABLE" });
  assert.throws(() => list.instanceByFile("file"), { code: "ARTIFACT_UNAVAILABLE" });
  const { list: read } = await createMemoryStoreWithList();
  await assert.rejects(read.push(read.reference()), { code: "POLICY_MISSING" });
});

async function createMemoryStoreWithList(): Promise<{ list: OfflineList }> {
  await using store = createMemoryStore();
  await new OfflineList().saveToImage(store, { names: ["app"] });
  return await OfflineList.load(store, "app");
}
