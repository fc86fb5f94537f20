/** Errors of local stores. */
import { copyImage, create, loadFromImage, openStore } from "../../mod.ts";
import type { ImageStore } from "../../src/store/room.ts";
import { exec } from "../support/peers.ts";
import { makeStore, type TestStore } from "../support/stores.ts";
import { type ErrorRows, type ErrorWorld, IMAGE, UNSIGNED } from "./world.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;
const LAYER = "b".repeat(64);

/** Runs with a store of its own. */
async function withStore(run: (at: TestStore) => Promise<unknown>): Promise<void> {
  await using at = await makeStore();
  await run(at);
}

/** Opens the same store again, as another program does. */
async function reopened({ root, runRoot, driver }: TestStore, more = {}): Promise<ImageStore> {
  return await openStore({ root, runRoot, driver, ...more });
}

/** Loads a list whose manifest is missing in the store. */
async function loadDamaged(at: TestStore): Promise<void> {
  const id = await create().saveToImage(at.store, { names: ["damaged"] });
  await Deno.remove(`${at.root}/vfs-images/${id}/manifest`);
  await loadFromImage(at.store, "damaged");
}

/** Saves a list that another program changed after it was loaded. */
async function saveChanged(at: TestStore): Promise<void> {
  await create().saveToImage(at.store, { names: ["changed"] });
  const [first, second] = [await loadFromImage(at.store, "changed"), await loadFromImage(at.store, "changed")];
  for (const { list, imageId } of [first, second]) {
    list.setAnnotations(undefined, { by: String(list === first.list) });
    await list.saveToImage(at.store, { imageId });
  }
}

/** Puts an image into a store as podman does, with a layer whose digest is not recorded. */
async function addImage(at: TestStore): Promise<string> {
  const data = [{ key: "manifest", bytes: IMAGE.manifest }];
  const { id } = await at.store.createImage({ names: ["localhost/image:latest"], data });
  const path = `${at.root}/vfs-images/images.json`;
  const [record] = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify([{ ...record, layer: LAYER }]));
  await Deno.mkdir(`${at.root}/vfs-layers`, { recursive: true });
  await Deno.writeTextFile(`${at.root}/vfs-layers/layers.json`, JSON.stringify([{ id: LAYER }]));
  return id;
}

/** Saves a list in a process that may not load libc, whose locks podman respects. */
async function saveWithoutFfi({ folder, root, runRoot }: TestStore): Promise<unknown> {
  const options = JSON.stringify({ root, runRoot, driver: "vfs" });
  const script = `import { create, openStore } from "${MOD}";
    const saving = create().saveToImage(await openStore(${options}), { names: ["list"] });
    console.log(JSON.stringify(await saving.catch(({ code, message }) => ({ code, message }))));`;
  await Deno.writeTextFile(`${folder}/save.ts`, script);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const flags = ["--no-check", "--no-prompt", "--config", config, "--allow-read", `--allow-write=${folder}`];
  const { stdout } = await exec([Deno.execPath(), "run", ...flags, `${folder}/save.ts`]);
  return JSON.parse(stdout);
}

/** Deletes an image of an additional store. */
async function deleteShared({ at }: ErrorWorld): Promise<void> {
  await using shared = await makeStore();
  const id = await create().saveToImage(shared.store, { names: ["shared"] });
  await using store = await reopened(at, { driverOptions: [`imagestore=${shared.root}`] });
  await store.deleteImage(id);
}

export const STORE_ROWS: ErrorRows = {
  ID_IN_USE: async ({ at: { store } }) => {
    const { id } = await store.createImage({ data: [] });
    await store.createImage({ id, data: [] });
  },
  IMAGE_IN_USE: () =>
    withStore(async (at) => {
      const id = await addImage(at);
      await using store = await reopened(at);
      await store.deleteImage(id);
    }),
  IMAGE_UNKNOWN: ({ at }) => at.store.deleteImage("a".repeat(64)),
  LAYER_NOT_REPRODUCIBLE: ({ folder }) =>
    withStore(async (at) => {
      await addImage(at);
      const from = `containers-storage:${at.store.location}localhost/image:latest`;
      await copyImage(from, `dir:${folder}/layer`, UNSIGNED);
    }),
  LIST_CHANGED: () => withStore(saveChanged),
  LIST_IMAGE_UNKNOWN: ({ at }) => loadFromImage(at.store, "none"),
  LOCK_UNAVAILABLE: async () => {
    await using at = await makeStore();
    return await saveWithoutFfi(at);
  },
  NAME_IN_USE: async ({ at: { store } }) => {
    await create().saveToImage(store, { names: ["taken"] });
    await create().saveToImage(store, { names: ["taken"] });
  },
  STORE_CORRUPT: () => withStore(loadDamaged),
  STORE_IO: () =>
    withStore(async (at) => {
      await Deno.mkdir(`${at.root}/vfs-images/images.json`, { recursive: true });
      await using store = await reopened(at);
      await store.listImages();
    }),
  STORE_READ_ONLY: deleteShared,
};
