/** Configurations of images in local stores: other tools must be able to read them, or they cannot use the store. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { clientOf, encode, makeImage, makeTar, pushImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, readImagesJson, storageName } from "../support/stores.ts";

const OPTIONS = { systemContext: { dockerInsecureSkipTlsVerify: true }, signaturePolicy: acceptAnything };

/** Serves images with these members in their configuration, which are copied to a new store. */
async function start() {
  const registry = startEmbedded();
  const at = await makeStore();
  const repository = clientOf(registry.host).repository("app");
  return {
    at,
    async copy(config: Record<string, unknown>) {
      await pushImage(repository, makeImage({ architecture: "amd64", config }), "1");
      await copyImage(`docker://${registry.host}/app:1`, storageName(at, "localhost/app:1"), OPTIONS);
    },
    async [Symbol.asyncDispose]() {
      await at[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

peerTest("an image whose configuration other tools cannot read is refused", ["root"], async (t) => {
  await using to = await start();
  const rows: [Record<string, unknown>, RegExp][] = [
    // These would be written into the record of the image, after which no tool could read the store.
    [{ created: "2020-02-30T00:00:00Z" }, /created .* must be a time/],
    [{ created: "2020-02-03T24:00:00Z" }, /created .* must be a time/],
    [{ created: "2020-02-03T23:59:60Z" }, /created .* must be a time/],
    [{ created: "2020-02-03T23:59:00+25:00" }, /created .* must be a time/],
    [{ created: "2020-02-03t00:00:00z" }, /created .* must be a time/],
    [{ created: "yesterday" }, /created .* must be a time/],
    [{ created: 5 }, /created .* must be a string/],
    [{ architecture: 5 }, /architecture .* must be a string/],
    [{ config: [] }, /config .* not a JSON object/],
    [{ config: { Env: "A=b" } }, /config\.Env .* must be an array of strings/],
    [{ history: {} }, /history .* must be an array/],
    [{ rootfs: "none" }, /rootfs .* not a JSON object/],
  ];
  for (const [config, message] of rows) {
    await t.step(JSON.stringify(config), async () => {
      await assert.rejects(to.copy(config), { code: "INVALID_JSON", message });
      assert.deepEqual(await to.at.store.listImages(), []);
    });
  }
});

peerTest("an image is stored under an id of 64 digits", ["root"], async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const { manifest, blobs } = makeImage({ architecture: "amd64" });
  const { descriptor, bytes } = blobs.at(-1)!;
  const config = { ...descriptor, digest: digestOf(bytes, "sha512") };
  const other = encode({ ...JSON.parse(new TextDecoder().decode(manifest)), config });
  const image = {
    manifest: other,
    digest: digestOf(other),
    blobs: [...blobs.slice(0, -1), { descriptor: config, bytes }],
  };
  await pushImage(clientOf(registry.host).repository("app"), image, "1");
  const copy = (name: string) => copyImage(`docker://${registry.host}/app:1`, storageName(at, name), OPTIONS);
  await assert.rejects(copy("localhost/app:1"), { code: "MANIFEST_REJECTED", message: /as in NAME@ID/ });
  assert.deepEqual(await at.store.listImages(), []);
  const id = "a".repeat(64);
  await copy(`localhost/app:1@${id}`);
  assert.equal((await at.store.findImage("localhost/app:1"))!.image.id, id);
});

peerTest("the record of an image has the time of its configuration", ["root"], async () => {
  const rows: [unknown, string | undefined][] = [
    ["2020-01-02T03:04:05.120000000+02:00", "2020-01-02T03:04:05.12+02:00"],
    ["2020-02-29T03:04:05,5-00:00", "2020-02-29T03:04:05.5Z"],
    // Go's time that is not set, as tools for reproducible builds write it.
    ["0001-01-01T00:00:00Z", undefined],
    [null, undefined],
  ];
  for (const [created, expected] of rows) {
    await using to = await start();
    const before = new Date().toISOString();
    await to.copy({ created });
    const [image] = await readImagesJson(to.at);
    if (expected !== undefined) assert.equal(image!.created, expected);
    else assert.ok(String(image!.created) >= before.slice(0, 19), `${created}: ${image!.created}`);
  }
});

peerTest("a layer of 0 bytes is copied on", ["skopeo", "root"], async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const layers = [makeTar("a", "base"), new Uint8Array()];
  await pushImage(
    clientOf(registry.host).repository("app"),
    makeImage({ architecture: "amd64", layers }),
    "1",
  );
  const from = `docker://${registry.host}/app:1`;
  const names = ["ours", "theirs"].map((name) => storageName(at, `localhost/${name}:1`));
  await copyImage(from, names[0]!, OPTIONS);
  await ok(["skopeo", "copy", "-q", "--src-tls-verify=false", from, names[1]!]);
  for (const [i, name] of names.entries()) {
    await copyImage(name, `dir:${at.folder}/${i}`, OPTIONS);
    const manifest = JSON.parse(await Deno.readTextFile(`${at.folder}/${i}/manifest.json`));
    assert.deepEqual(
      manifest.layers.map(({ digest, size }: { digest: string; size: number }) => [digest, size]),
      layers.map((layer) => [digestOf(layer), layer.length]),
    );
  }
});
