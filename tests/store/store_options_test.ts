/** Options of storage.conf that concern layers, and signatures of stored images. */
import assert from "node:assert/strict";
import { copyImage, parseImageName } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { digestHex } from "../../src/spec/room.ts";
import { transfer } from "../support/archives.ts";
import { cliHere } from "../support/cli.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { oddTar } from "../support/odd_tar.ts";
import { peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { dumpTree } from "../support/store_dump.ts";
import { makeStore, readImagesJson, storageName, type TestStore } from "../support/stores.ts";

const OPTIONS = { systemContext: { dockerInsecureSkipTlsVerify: true }, signaturePolicy: acceptAnything };
const NOTHING = new Uint8Array();
const LAYERS = [
  oddTar([{ name: "d/", type: "5" }, { name: "d/gone", content: encode("x") }]),
  oddTar([{ name: "d/", type: "5" }, { name: "d/.wh.gone", content: NOTHING, mode: 0o600, uid: 3 }, {
    name: "d/.wh..wh..opq",
    content: NOTHING,
  }]),
];

function withOption(at: TestStore, option: string): string {
  return storageName(at, "localhost/app:1").replace("]", `:${option}]`);
}

peerTest(
  "options of storage.conf for layers are followed, or refused before anything is written",
  ["root"],
  async () => {
    await using registry = startEmbedded();
    await pushImage(
      clientOf(registry.host).repository("app"),
      makeImage({ architecture: "amd64", layers: LAYERS }),
      "1",
    );
    const from = `docker://${registry.host}/app:1`;
    for (const option of ["overlay.force_mask=shared", "overlay.use_composefs=true"]) {
      await using at = await makeStore("overlay");
      await assert.rejects(copyImage(from, withOption(at, option), OPTIONS), {
        code: "STORE_READ_ONLY",
        message: /is not supported: use podman pull or skopeo copy/,
      });
      await assert.rejects(Deno.lstat(at.root), Deno.errors.NotFound);
    }
    await using btrfs = await makeStore("btrfs");
    await assert.rejects(copyImage(from, storageName(btrfs, "localhost/app:1"), OPTIONS), {
      code: "STORE_READ_ONLY",
      message: /layers of storage driver "btrfs" are not supported/,
    });
    // A program that mounts layers reads whiteouts as files.
    await using at = await makeStore("overlay");
    await copyImage(from, withOption(at, "overlay.mount_program=/usr/bin/fuse-overlayfs"), OPTIONS);
    const layers: { id: string }[] = JSON.parse(await Deno.readTextFile(`${at.root}/overlay-layers/layers.json`));
    const upper = dumpTree(`${at.root}/overlay/${layers[1]!.id}/diff`);
    assert.match(upper.find((line) => line.startsWith('"./d/.wh.gone"'))!, /" 100600 3:0 /);
    assert.match(upper.find((line) => line.startsWith('"./d/.wh..wh..opq"'))!, /" 100755 0:0 /);
  },
);

peerTest("options in storage.conf itself are refused or followed in the same way", ["root"], async () => {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64", layers: LAYERS }), "1");
  const copy = ["copy", "-q", "--insecure-policy", "--tls-verify=false", `docker://${registry.host}/app:1`];
  const rows: [driver: string, options: string, refused: RegExp | undefined][] = [
    ["overlay", '[storage.options.overlay]\nforce_mask = "shared"', /force_mask is not supported: use podman pull/],
    ["overlay", '[storage.options.overlay]\nuse_composefs = "true"', /use_composefs is not supported: use podman pull/],
    // Options of the other driver do not apply.
    ["vfs", '[storage.options.overlay]\nforce_mask = "shared"', undefined],
    // Limits of containers, and ways to pull, do not change what a layer is.
    ["overlay", '[storage.options.overlay]\nsize = "1G"\ninodes = "1000"', undefined],
    ["overlay", '[storage.options.pull_options]\nconvert_images = "true"\nuse_hard_links = "true"', undefined],
  ];
  for (const [driver, options, refused] of rows) {
    await using at = await makeStore(driver);
    const CONTAINERS_STORAGE_CONF = `${at.folder}/storage.conf`;
    const roots = `graphroot = "${at.root}"\nrunroot = "${at.runRoot}"`;
    await Deno.writeTextFile(CONTAINERS_STORAGE_CONF, `[storage]\ndriver = "${driver}"\n${roots}\n${options}\n`);
    const { code, stderr } = await cliHere([...copy, "containers-storage:localhost/app:1"], {
      CONTAINERS_STORAGE_CONF,
    });
    assert.equal(code, refused ? 125 : 0, stderr);
    if (!refused) continue;
    assert.match(stderr, refused);
    await assert.rejects(Deno.lstat(at.root), Deno.errors.NotFound);
  }
});

peerTest("signatures are stored with the image, and read back", ["root"], async () => {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64", layers: LAYERS }), "1");
  await using at = await makeStore();
  const target = parseImageName(storageName(at, "localhost/app:1"));
  const signatures = [Uint8Array.of(0x90, 1, 2), Uint8Array.of(0x90, 3)].map((bytes) => ({
    kind: "simple" as const,
    bytes,
  }));
  await using source = await parseImageName(`docker://${registry.host}/app:1`).openSource(OPTIONS.systemContext);
  const { digest } = makeImage({ architecture: "amd64", layers: LAYERS });
  {
    await using destination = await target.openDestination();
    const { bytes, mediaType } = await transfer(source, destination);
    const manifest = { digest, mediaType, size: bytes.length, isInstance: false };
    await destination.putSignatures!(signatures, manifest);
    await destination.commit();
  }
  const [image] = await readImagesJson(at);
  assert.equal(
    image!.metadata,
    `{"signature-sizes":[3,2],"signatures-sizes":{"${digest}":[3,2]}}`,
  );
  const names = (image!["big-data-names"] as string[]).slice(-2);
  assert.deepEqual(names, ["signatures", `signature-${digestHex(digest)}`]);
  await using stored = await target.openSource();
  assert.deepEqual(await stored.getSignatures!({ digest, isInstance: false }), signatures);
});

Deno.test("a store of another driver is written if it exists, and not created", async () => {
  await using at = await makeStore("zfs");
  await assert.rejects(at.store.createImage({ data: [] }), {
    code: "STORE_READ_ONLY",
    message: /^Cannot create a store with storage driver "zfs" in ".*\/root": use overlay or vfs/,
  });
  // Other tools refuse a root folder with the folders of two drivers.
  await assert.rejects(Deno.lstat(at.root), Deno.errors.NotFound);
  await Deno.mkdir(`${at.root}/zfs`, { recursive: true });
  await at.store.createImage({ data: [] });
  assert.equal((await at.store.listImages()).length, 1);
});
