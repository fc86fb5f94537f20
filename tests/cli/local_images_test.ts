/** Commands and functions for images in the local store. */
import assert from "node:assert/strict";
import { convertToList, copyImage, create, parseImageName } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { findStore } from "../../src/config/files/room.ts";
import { deleteImageWithLayers } from "../../src/store/containers_storage/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { clientOf, encode, pushPlatforms } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, readImagesJson, storageName } from "../support/stores.ts";

const OPTIONS = { systemContext: { dockerInsecureSkipTlsVerify: true }, signaturePolicy: acceptAnything };
const TRUST = ["--insecure-policy", "--src-tls-verify=false"];

/** A registry with `app:1`, a list of two platforms. */
async function startWithList() {
  const registry = startEmbedded();
  const platforms = [{ architecture: "amd64" }, { architecture: "arm64" }];
  const digests = await pushPlatforms(registry.host, "app", platforms);
  const repository = clientOf(registry.host).repository("app");
  const manifests = await Promise.all(digests.map(async (digest, i) => {
    const { bytes, mediaType } = await repository.getManifest(digest);
    return { mediaType, digest, size: bytes.length, platform: { os: "linux", ...platforms[i]! } };
  }));
  const index = encode({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests });
  await repository.putManifest("1", index);
  return { registry, digests, index: digestOf(index), list: `docker://${registry.host}/app:1` };
}

peerTest("an image is copied into the store that the flags name, shown, named and deleted", ["root"], async () => {
  const { registry, digests, index, list } = await startWithList();
  await using _registry = registry;
  await using at = await makeStore();
  const run = (...args: string[]) => cliOk([...at.flags, ...args]);
  await run("copy", "-q", ...TRUST, "--platform", "linux/arm64", list, "containers-storage:localhost/app:1");
  const [image] = await readImagesJson(at);
  assert.equal(image!.digest, index);
  assert.deepEqual((image!["big-data-names"] as string[]).slice(1), [
    `manifest-${index}`,
    `manifest-${digests[1]}`,
    "manifest",
  ]);
  await run("tag", "app:1", "other:2");
  const [shown] = JSON.parse(await run("ls", "--images", "--format", "json"));
  assert.deepEqual(shown.names, ["localhost/other:2", "localhost/app:1"]);
  assert.match(await run("ls", "--images"), /^NAME +ID +CREATED +DIGEST\nlocalhost\/other:2 /);
  assert.equal(await run("ls", "--quiet"), "");
  // As in podman, a name is deleted alone while the image has others.
  const byId = await cli([...at.flags, "delete", `containers-storage:@${image!.id}`]);
  assert.match(byId.stderr, /it has several names, "localhost\/other:2", "localhost\/app:1": .*--manifest/);
  assert.equal(
    await run("delete", "containers-storage:localhost/app:1"),
    `Untagged: containers-storage:localhost/app:1 (${index}), which is still named localhost/other:2`,
  );
  await run("tag", "other:2", "third:3");
  const json = await run("delete", "--format", "json", "containers-storage:localhost/third:3");
  assert.deepEqual(JSON.parse(json), {
    name: "containers-storage:localhost/third:3",
    digest: index,
    keptNames: ["localhost/other:2"],
  });
  assert.equal((await readImagesJson(at)).length, 1);
  await run("tag", "other:2", "third:3");
  // A name that another program adds at the same time is not lost.
  const location = await findStore({ root: at.root, runRoot: at.runRoot, driver: at.driver });
  const before = { id: String(image!.id), names: ["localhost/other:2"] };
  await assert.rejects(deleteImageWithLayers(location, before), { code: "CONFLICT" });
  assert.equal(
    await run("delete", "--manifest", "containers-storage:localhost/other:2"),
    `Deleted: containers-storage:localhost/other:2 (${index})`,
  );
  assert.deepEqual([await readImagesJson(at), await Array.fromAsync(Deno.readDir(`${at.root}/vfs/dir`))], [[], []]);
  const gone = await cli([...at.flags, "delete", "containers-storage:localhost/third:3"]);
  assert.match(gone.stderr, /does not resolve to an image ID/);
});

peerTest("of a list, a store takes the image for the platform, and names what else works", ["root"], async () => {
  const { registry, digests, index, list } = await startWithList();
  await using _registry = registry;
  await using at = await makeStore();
  const systemContext = { ...OPTIONS.systemContext, osChoice: "linux", architectureChoice: "arm64" };
  const name = storageName(at, "localhost/app:1");
  const copied = await copyImage(list, name, { ...OPTIONS, systemContext });
  assert.equal(copied.digest, digests[1]);
  const platforms = ["linux/amd64", "linux/arm64"];
  await assert.rejects(copyImage(list, storageName(at, "localhost/two"), { ...OPTIONS, platforms }), {
    code: "MANIFEST_TYPE_NOT_SUPPORTED",
    message: /--platform.*or create a list in the store/,
  });
  // A digest in the name may be that of the index or of the image.
  for (const digest of [index, digests[1]]) {
    await copyImage(list, storageName(at, `localhost/pinned@${digest}`), { ...OPTIONS, systemContext });
    assert.ok(
      (await at.store.findImage(`localhost/pinned@${digest}`))?.image.names.includes(`localhost/pinned@${digest}`),
    );
  }
  const wrong = storageName(at, `localhost/pinned@${digests[0]}`);
  await assert.rejects(copyImage(list, wrong, { ...OPTIONS, systemContext }), { code: "DIGEST_MISMATCH" });

  const made = create();
  await made.add(list, { all: true, ...OPTIONS });
  const target = storageName(at, "localhost/pushed");
  const pushed = await made.push(target, { ...OPTIONS, systemContext, imageListSelection: "system" });
  assert.equal(pushed.digest, digests[1]);
  await assert.rejects(made.push(target, { ...OPTIONS, imageListSelection: "specific" }), {
    name: "TypeError",
    message: /"all" stores the list itself, "system" the image for the platform/,
  });
  // The image can be copied on, and be made a list.
  const bytes = await (await parseImageName(target).openSource()).getManifest();
  assert.equal(digestOf(bytes.bytes), digests[1]);
  const converted = await convertToList(at.store, "localhost/pushed");
  assert.deepEqual(converted.list.instances(), [digests[1]]);
  assert.equal((await convertToList(at.store, converted.imageId)).imageId, converted.imageId);
  await assert.rejects(convertToList(at.store, "localhost/none"), { code: "IMAGE_UNKNOWN" });
});
