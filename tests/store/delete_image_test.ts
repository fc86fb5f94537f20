/** Which layers and images of a store are deleted: nothing that another program uses. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import { findStore } from "../../src/config/files/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { deleteImageWithLayers } from "../../src/store/containers_storage/room.ts";
import { CLI } from "../support/cli.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { oddTar } from "../support/odd_tar.ts";
import { peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, readImagesJson, storageName, type TestStore } from "../support/stores.ts";
import { execInUserNamespace } from "../support/user_namespace.ts";

const LAYERS = ["lower", "upper"].map((name) => oddTar([{ name, content: encode(name) }]));

/** A store with the image `localhost/app:1` of two layers. */
async function makeWorld(driver: string) {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64", layers: LAYERS }), "1");
  const at = await makeStore(driver);
  await copyImage(`docker://${registry.host}/app:1`, storageName(at, "localhost/app:1"), {
    systemContext: { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" },
    signaturePolicy: acceptAnything,
  });
  const [{ id } = { id: "" }] = await readImagesJson(at) as { id: string }[];
  const image = { id, names: ["localhost/app:1"] };
  const location = await findStore({ root: at.root, runRoot: at.runRoot, driver });
  return { at, image, location, remove: () => deleteImageWithLayers(location, image) };
}

async function readLayers({ root, driver }: TestStore): Promise<{ id: string; flags?: unknown }[]> {
  return JSON.parse(await Deno.readTextFile(`${root}/${driver}-layers/layers.json`));
}

peerTest(
  "an image is not deleted while a record of a container names it, in any of the three files",
  ["root"],
  async () => {
    const { at, image, remove } = await makeWorld("vfs");
    await using _at = at;
    await Deno.mkdir(`${at.runRoot}/vfs-containers`, { recursive: true });
    const files = [
      `${at.root}/vfs-containers/containers.json`,
      `${at.root}/vfs-containers/volatile-containers.json`,
      `${at.runRoot}/vfs-containers/volatile-containers.json`,
    ];
    for (const file of files) {
      await Deno.writeTextFile(file, JSON.stringify([{ id: "c1", image: image.id, layer: "other" }]));
      await assert.rejects(remove(), { code: "IMAGE_IN_USE" }, file);
      await Deno.writeTextFile(file, "[]");
    }
    await remove();
    assert.deepEqual([await readImagesJson(at), await readLayers(at)], [[], []]);
  },
);

peerTest("layers that a container, or a mapped copy of another image, uses stay", ["root"], async () => {
  const uses = {
    "vfs-containers/containers.json": (upper: string) => [{ id: "c1", layer: upper }],
    "vfs-images/images.json": (upper: string) => [
      { id: "a".repeat(64), created: "2026-01-01T00:00:00Z", "mapped-layers": [upper] },
    ],
  };
  for (const [file, use] of Object.entries(uses)) {
    const { at, remove } = await makeWorld("vfs");
    await using _at = at;
    const [lower, upper] = (await readLayers(at)).map(({ id }) => id);
    const before = await Deno.readTextFile(`${at.root}/${file}`).catch(() => "[]");
    await Deno.writeTextFile(`${at.root}/${file}`, JSON.stringify([...JSON.parse(before), ...use(upper!)]));
    await remove();
    assert.deepEqual((await readLayers(at)).map(({ id }) => id), [lower, upper], file);
  }
});

peerTest("nothing is deleted in a store whose driver keeps layers in another way", ["root"], async () => {
  await using at = await makeStore("btrfs");
  await Deno.mkdir(`${at.root}/btrfs`, { recursive: true });
  const { id } = await at.store.createImage({ data: [] });
  const location = await findStore({ root: at.root, runRoot: at.runRoot, driver: "btrfs" });
  await assert.rejects(deleteImageWithLayers(location, { id, names: [] }), {
    code: "STORE_READ_ONLY",
    message: /layers of storage driver "btrfs" are not supported: use podman rmi/,
  });
  assert.equal((await at.store.listImages()).length, 1);
});

peerTest("a layer that is mounted stays, however many mounts there are", ["root"], async () => {
  const { at, image } = await makeWorld("overlay");
  await using _at = at;
  const [lower, upper] = (await readLayers(at)).map(({ id }) => id);
  // Each line of the list of mounts has at least 60 bytes, and one read returns at most 4096.
  const script =
    'for i in $(seq 80); do mkdir -p "$0/m"; mount --bind "$0/m" "$0/m"; done; mount --bind "$1" "$1"; shift; exec "$@"';
  const name = storageName(at, image.names[0]!);
  const merged = `${at.root}/overlay/${upper}/merged`;
  const { code, stderr } = await execInUserNamespace(["sh", "-c", script, at.folder, merged, ...CLI, "delete", name]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(await readImagesJson(at), []);
  assert.deepEqual((await readLayers(at)).map(({ id }) => id), [lower, upper]);
});
