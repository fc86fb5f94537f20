/** The order in which the items of a list are written, and what a push to a local store refuses. */
import assert from "node:assert/strict";
import { create, createMemoryStore, type List, loadFromImage, parseImageName, type PushOptions } from "../../mod.ts";
import type { CopyOptions } from "../../src/copy/room.ts";
import { BaseList } from "../../src/list/list.ts";
import { pushList } from "../../src/list/push.ts";
import { getEntries, isIndex, MEDIA_TYPES, parseManifest } from "../../src/spec/room.ts";
import type { BigData, ImageStore } from "../../src/store/room.ts";
import { LOCAL_HOST } from "../../src/system/local/host.ts";
import { encode, pushPlatforms } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
const NAME = "localhost/list:latest";
const TARGET = "containers-storage:localhost/list:latest";
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** Calls back before each write of items to a store, with what the store has by then. */
function watchWrites(store: ImageStore, onWrite: (id: string, items: readonly BigData[]) => Promise<void>): void {
  const write = store.writeBigData.bind(store);
  store.writeBigData = async (id, items, options) => {
    await onWrite(id, items);
    await write(id, items, options);
  };
}

/** A list for which `containers-storage:` is this store. */
function listAt(store: ImageStore): BaseList {
  return new BaseList({ ...LOCAL_HOST, openStoreTarget: () => Promise.resolve({ store, name: NAME }) });
}

/** Asserts that at no place in a sequence of writes a manifest names an instance without a known origin. */
async function assertSafeOrder(store: ImageStore, id: string, items: readonly BigData[]): Promise<void> {
  const { data } = (await store.findImage(id, ["manifest", "instances.json"]))!;
  const stored = new Map(data);
  for (const { key, bytes } of items) {
    stored.set(key, bytes);
    const manifest = parseManifest(stored.get("manifest")!, MEDIA_TYPES.ociIndex);
    const named = isIndex(manifest) ? getEntries(manifest).map(({ digest }) => digest) : [];
    const known = Object.keys(JSON.parse(text(stored.get("instances.json"))));
    assert.deepEqual(named.filter((digest) => !known.includes(digest)), [], `after ${key}`);
  }
}

Deno.test("a manifest never names an instance that instances.json does not, wherever a write is interrupted", async () => {
  await using registry = startEmbedded();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, { architecture: "arm64" }]);
  const add = (list: List, architecture: string) => list.add(`${registry.host}/app:${architecture}`, { systemContext });
  await using store = createMemoryStore();
  const list = create();
  const amd64 = await add(list, "amd64");
  const imageId = await list.saveToImage(store, { names: [NAME] });
  let writes = 0;
  watchWrites(store, async (id, items) => {
    writes++;
    await assertSafeOrder(store, id, items);
  });
  // One more, one replaced, none left.
  const arm64 = await add(list, "arm64");
  await list.saveToImage(store);
  list.remove(amd64);
  await list.saveToImage(store);
  list.remove(arm64);
  await add(list, "amd64");
  await list.saveToImage(store);
  // Over a record that another list made.
  const other = create();
  await add(other, "arm64");
  await other.saveToImage(store, { imageId });
  // By a push to a name in a store.
  const pushed = listAt(store);
  await add(pushed, "amd64");
  await pushed.push(TARGET);
  assert.equal(writes, 5);
});

Deno.test("a push to a local store does not overwrite a concurrent change", async () => {
  await using store = createMemoryStore();
  await create().saveToImage(store, { names: [NAME] });
  const { imageId } = await loadFromImage(store, NAME);
  const theirs = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [],
    annotations: { by: "them" },
  });
  const write = store.writeBigData.bind(store);
  watchWrites(store, () => write(imageId, [{ key: "manifest", bytes: theirs }]));
  await assert.rejects(listAt(store).push(TARGET), { code: "LIST_CHANGED" });
  assert.equal(text((await store.findImage(imageId, ["manifest"]))!.data.get("manifest")), text(theirs));
});

Deno.test("a push to a local store refuses unsupported and unknown options", async () => {
  await using store = createMemoryStore();
  const signer = { kind: "simple", description: "", sign: () => Promise.reject(new Error()) } as const;
  const refused: (PushOptions & Record<string, unknown>)[] = [
    { instances: ["sha256:1"] },
    { addCompression: ["zstd"] },
    { forceCompressionFormat: true },
    { signers: [signer] },
    { signBy: "0123" },
    { signBySigstorePrivateKeyFile: "key" },
    { signBySigstoreParamFile: "file" },
    { referrers: true },
    { sourceFilter: (reference) => reference },
    { ifMatch: "sha256:1" },
    { ifMatch: null },
    { imageListSelection: "specific" },
    { signedBy: "me" },
  ];
  for (const options of refused) {
    const [name] = Object.keys(options);
    await assert.rejects(listAt(store).push(TARGET, options), (error) => {
      return error instanceof TypeError && error.message.includes(name!);
    }, name);
  }
  assert.deepEqual(await store.listImages(), []);
  await listAt(store).push(TARGET, { addCompression: [], signers: [], referrers: false, systemContext });
});

Deno.test("the copy engine is handed neither passphrases nor the store", async () => {
  await using store = createMemoryStore();
  const secret = "open sesame";
  const options: PushOptions = {
    store,
    signPassphrase: secret,
    signSigstorePrivateKeyPassphrase: secret,
    maxRetries: 1,
  };
  const reference = parseImageName("docker://localhost/app:1");
  const { platform } = LOCAL_HOST;
  const push = { source: reference, destination: reference, platform, host: LOCAL_HOST, options };
  const handed = await pushList(push, (_from, _to, options: CopyOptions) => Promise.resolve(options));
  assert.equal(handed.maxRetries, 1);
  assert.deepEqual(Object.entries(handed).filter(([, value]) => value === store || value === secret), []);
});
