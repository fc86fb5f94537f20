import assert from "node:assert/strict";
import { copyImage, create, deleteImage, loadFromImage, openStore, parseImageName } from "../../mod.ts";
import { type ImageReference, type ImageSource, readManifest } from "../../src/image/room.ts";
import { readChunks } from "../../src/internal/room.ts";
import {
  createDigester,
  type Descriptor,
  type Digest,
  digestOf,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
  UNKNOWN_SIZE,
} from "../../src/spec/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { createContainersStorageTransport } from "../../src/transport/containers_storage/room.ts";
import { buildImages } from "../support/built_images.ts";
import { clientOf, describe, encode, makeImage, makeTar, pushImage } from "../support/images.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, storageName, type TestStore } from "../support/stores.ts";

const ID = "c0ffee".padEnd(64, "0");
const DIGEST = digestOf(encode("a manifest"));

const transport = createContainersStorageTransport({
  openStore: (spec) => openStore(spec),
  openImageWriter: () => Promise.reject(new Error("no image is written here")),
  deleteImage: () => Promise.reject(new Error("no image is deleted here")),
});

Deno.test("references print with their omitted parts added", () => {
  const cases = {
    "localhost/app:1": "localhost/app:1",
    "localhost/app": "localhost/app:latest",
    "app": "docker.io/library/app:latest",
    "quay.io/a/b@DIGEST": "quay.io/a/b@DIGEST",
    "quay.io/a/b:1@DIGEST": "quay.io/a/b:1@DIGEST",
    "localhost/app:1@ID": "localhost/app:1@ID",
    "localhost/app@DIGEST@ID": "localhost/app@DIGEST@ID",
    "@ID": "@ID",
    "ID": "@ID",
    "@c0ffee": "@c0ffee",
    "c0ffee": "c0ffee",
    "be": "docker.io/library/be:latest",
    "sha256:0123": "docker.io/library/sha256:0123",
    "[vfs@/s+/r]localhost/app:1": "[vfs@/s+/r]localhost/app:1",
    "[vfs@/s]localhost/app:1": "[vfs@/s]localhost/app:1",
    "[/s]localhost/app:1": "[/s]localhost/app:1",
    "[vfs@/s+/r:vfs.ignore_chown_errors=true,a=b]@ID": "[vfs@/s+/r:vfs.ignore_chown_errors=true,a=b]@ID",
  };
  const fill = (text: string) => text.replace("DIGEST", DIGEST).replace(/(?<!\w)ID$/, ID);
  for (const [given, printed] of Object.entries(cases)) {
    assert.equal(String(transport.parseReference(fill(given))), `containers-storage:${fill(printed)}`, given);
  }
});

Deno.test("invalid references are rejected", () => {
  const cases = {
    "": /names no image/,
    "[vfs@/s+/r]": /names no image/,
    "[vfs@/s": /did not end/,
    "[]app": /invalid store specifier/,
    "[@/s]app": /invalid store specifier/,
    "[vfs@]app": /invalid store specifier/,
    "[vfs@s]app": /"?s"? is not absolute/,
    "[vfs@/s+r]app": /is not absolute/,
    "[vfs@/s+/r:]app": /key\/value/,
    "[vfs@/s:novalue]app": /key\/value/,
    "localhost/app:1@": /empty trailing digest or ID/,
    "localhost/app:1@xyz": /does not look like an image ID or digest/,
    "localhost/app:1@be": /does not look like an image ID or digest/,
    "localhost/Upper": /lowercase/,
    "localhost/app:1:2": /invalid/,
  };
  for (const [given, message] of Object.entries(cases)) {
    assert.throws(() => transport.parseReference(given), { code: "INVALID_REFERENCE", message }, given);
  }
});

Deno.test("policy identifies an image by its store, its name and the namespaces of the name", () => {
  const listScopes = (text: string) => {
    const { policyConfigurationIdentity, policyConfigurationNamespaces } = transport.parseReference(text);
    return [policyConfigurationIdentity, ...policyConfigurationNamespaces];
  };
  const store = "[vfs@/s]";
  assert.deepEqual(listScopes("[vfs@/s+/r:a=b]quay.io/a/b:1"), [
    `${store}quay.io/a/b:1`,
    `${store}quay.io/a/b`,
    `${store}quay.io/a`,
    `${store}quay.io`,
    store,
    "[/s]",
  ]);
  assert.deepEqual(listScopes(`[vfs@/s]quay.io/a:1@${DIGEST}@${ID}`), [
    `${store}quay.io/a:1@${DIGEST}@${ID}`,
    `${store}quay.io/a:1@${DIGEST}`,
    `${store}quay.io/a:1`,
    `${store}quay.io/a`,
    `${store}quay.io`,
    store,
    "[/s]",
  ]);
  assert.deepEqual(listScopes(`[vfs@/s]@${ID}`), [`${store}@${ID}`, store, "[/s]"]);
});

Deno.test("a name can be pinned to a manifest; an id is pinned already", () => {
  const pin = (text: string) => String(transport.parseReference(text).withDigest!(DIGEST));
  assert.equal(pin("localhost/app:1"), `containers-storage:localhost/app:1@${DIGEST}`);
  assert.equal(pin(`@${ID}`), `containers-storage:@${ID}`);
});

Deno.test("an image needs a name or a whole id as its destination", async () => {
  const reference = parseImageName("containers-storage:[vfs@/s+/r]@c0ffee");
  await assert.rejects(reference.openDestination(), { code: "INVALID_REFERENCE", message: /64 hexadecimal digits/ });
});

function makeReference(at: TestStore, name: string): ImageReference {
  return parseImageName(`containers-storage:${at.store.location}${name}`);
}

async function openSource(at: TestStore, name: string): Promise<ImageSource> {
  return await makeReference(at, name).openSource();
}

async function digestBlob(source: ImageSource, descriptor: Descriptor, instance?: Digest): Promise<Digest> {
  const digester = createDigester();
  for await (const chunk of readChunks(await source.getBlob(descriptor, { instance }))) digester.update(chunk);
  return digester.digest();
}

peerTest("a reference finds the same image as skopeo", ["buildah", "skopeo", "root"], async () => {
  await using at = await makeStore();
  const [name, other] = await buildImages(at, "app") as [string, string];
  const id = (await at.store.findImage(name))!.image.id;
  const otherId = (await at.store.findImage(other))!.image.id;
  const { digest } = await readManifest(await openSource(at, name));
  await ok(["buildah", ...at.flags, "tag", name, "localhost/short", "docker.io/library/hub:1"]);
  const names = [
    name,
    "app-amd64:1",
    "localhost/app-amd64",
    "localhost/short",
    "short",
    "hub:1",
    id,
    `@${id}`,
    id.slice(0, 6),
    `@${id.slice(0, 6)}`,
    `@${id.slice(0, 2)}`,
    id.slice(0, 2),
    `sha256:${id}`,
    "f".repeat(64),
    `@${"f".repeat(64)}`,
    `${name}@${id}`,
    `${name}@${id.slice(0, 8)}`,
    `localhost/app-amd64@${digest}`,
    `localhost/app-amd64:other@${digest}`,
    `localhost/nothing@${digest}`,
    `${name}@${otherId}`,
    `localhost/app-amd64@${digestOf(encode("none"))}`,
    "localhost/nothing:1",
  ];
  const found: string[] = [];
  for (const text of names) {
    const place = `containers-storage:${at.store.location}${text}`;
    const { code, stdout } = await exec(["skopeo", "inspect", "--raw", place]);
    if (code === 0) {
      await using source = await parseImageName(place).openSource();
      assert.equal(digestOf(encode(stdout)), (await readManifest(source)).digest, text);
      assert.equal(String(source.reference), `containers-storage:${at.store.location}@${id}`, text);
      found.push(text);
    } else {
      await assert.rejects(
        async () => await parseImageName(place).openSource(),
        (error: { code: string }) => ["NOT_FOUND", "INVALID_REFERENCE"].includes(error.code),
        text,
      );
    }
  }
  assert.ok(found.length > 8 && found.length < names.length, String(found));
});

for (const driver of ["vfs", "overlay"]) {
  peerTest(`a pulled image is read without compression (${driver})`, ["skopeo", "root"], async () => {
    await using at = await makeStore(driver);
    await using registry = startEmbedded();
    const tars = [makeTar("one", "1"), makeTar("two", "2")];
    const image = makeImage({ architecture: "amd64", layers: tars });
    await pushImage(clientOf(registry.host).repository("app"), image, "1");
    const to = `containers-storage:${at.store.location}localhost/app:1`;
    await ok(["skopeo", "copy", "-q", "--src-tls-verify=false", `docker://${registry.host}/app:1`, to]);
    await using source = await openSource(at, "localhost/app:1");
    const { digest, manifest } = await readManifest(source);
    assert.equal(digest, image.digest);
    const layers = await source.layersForCopy!(manifest as ParsedImage);
    assert.deepEqual(layers, tars.map((tar) => describe(MEDIA_TYPES.ociLayer, tar)));
    for (const layer of [...layers!, (manifest as ParsedImage).config!]) {
      assert.equal(await digestBlob(source, layer), layer.digest);
    }
    assert.equal((await readManifest(source, { instance: digest })).digest, digest);
    await assert.rejects(source.getBlob((manifest as ParsedImage).layers[0]!), { code: "NOT_FOUND" });
    await assert.rejects(source.getManifest({ instance: DIGEST }), { code: "NOT_FOUND" });
    const reason = new Error("enough");
    await assert.rejects(source.getManifest({ signal: AbortSignal.abort(reason) }), reason);
    await assert.rejects(source.getBlob(layers![0]!, { signal: AbortSignal.abort(reason) }), reason);
  });
}

peerTest("a built image matches its manifest", ["buildah", "root"], async () => {
  await using at = await makeStore();
  const [name] = await buildImages(at, "app") as [string];
  await using source = await openSource(at, name);
  const { manifest } = await readManifest(source);
  assert.equal(await source.layersForCopy!(manifest as ParsedImage), undefined);
  for (const layer of (manifest as ParsedImage).layers) assert.equal(await digestBlob(source, layer), layer.digest);
  const short = parseManifest(
    encode(JSON.stringify({
      ...JSON.parse(new TextDecoder().decode(manifest.bytes)),
      layers: (manifest as ParsedImage).layers.slice(1),
    })),
  );
  await assert.rejects(source.layersForCopy!(short as ParsedImage), { code: "STORE_CORRUPT" });
});

peerTest(
  "instances of a list are found by digest, and recorded by the ids of their images",
  ["buildah", "root"],
  async () => {
    await using at = await makeStore();
    const names = await buildImages(at, "app");
    await ok(["buildah", ...at.flags, "manifest", "create", "localhost/list:1", ...names]);
    const { list, imageId } = await loadFromImage(at.store, "localhost/list:1");
    const digests = list.instances();
    // The names move to other images, as they do when images are built again.
    for (const name of names) {
      await at.store.updateNames((await at.store.findImage(name))!.image.id, "remove", [name]);
    }
    await using source = await openSource(at, "localhost/list:1");
    const stored = (await at.store.findImage(imageId, ["manifest"]))!.data.get("manifest");
    assert.deepEqual((await readManifest(source)).manifest.bytes, stored);
    const copy = create();
    await copy.add(makeReference(at, "localhost/list:1"), { all: true });
    assert.deepEqual(copy.instances(), digests);
    const saved = await copy.saveToImage(at.store, { names: ["localhost/copy:1"] });
    const records = (await at.store.findImage(saved, ["instances.json"]))!.data.get("instances.json")!;
    const recorded = Object.values<string>(JSON.parse(new TextDecoder().decode(records))).filter((text) =>
      text !== saved
    );
    assert.equal(recorded.length, digests.length);
    for (const [i, digest] of digests.entries()) {
      assert.ok(!recorded.some((text) => text.includes(imageId)));
      const { manifest } = await readManifest(source, { instance: digest as Digest });
      for (const layer of (manifest as ParsedImage).layers) {
        assert.equal(await digestBlob(source, layer, digest as Digest), layer.digest);
      }
      await using alone = await parseImageName(recorded[i]!).openSource();
      assert.ok(digests.includes((await readManifest(alone)).digest));
    }
  },
);

peerTest(
  "an index is found by its digest, even if only its instance was pulled",
  ["skopeo", "root"],
  async () => {
    await using at = await makeStore();
    await using registry = startEmbedded();
    const repository = clientOf(registry.host).repository("app");
    const digest = await pushImage(repository, makeImage({ architecture: "amd64" }), "amd64");
    const list = create();
    await list.add(`${registry.host}/app:amd64`, { systemContext: { dockerInsecureSkipTlsVerify: true } });
    const index = await repository.putManifest("list", list.serialize());
    const name = "localhost/app:1";
    const from = `docker://${registry.host}/app:list`;
    await ok([
      "skopeo",
      "copy",
      "-q",
      "--override-arch=amd64",
      "--src-tls-verify=false",
      from,
      `containers-storage:${at.store.location}${name}`,
    ]);
    const read = async (text: string) => {
      await using source = await openSource(at, text);
      return (await readManifest(source)).digest;
    };
    assert.equal(await read(name), digest);
    assert.equal(await read(`localhost/app@${digest}`), digest);
    assert.equal(await read(`localhost/app@${index}`), index);
    const id = (await at.store.findImage(name))!.image.id;
    assert.equal(await read(`localhost/app@${index}@${id}`), index);
  },
);

peerTest("a blob is found only with its own size, and an image in an additional store is not deleted", [
  "root",
], async () => {
  await using other = await makeStore();
  await using at = await makeStore();
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64" }), "1");
  const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
  const theirs = storageName(other, "localhost/app:1");
  await copyImage(`docker://${registry.host}/app:1`, theirs, { systemContext, signaturePolicy: acceptAnything });
  const ours = storageName(at, "localhost/app:1").replace("]", `:vfs.imagestore=${other.root}]`);
  await assert.rejects(deleteImage(ours), { code: "STORE_READ_ONLY", message: /additional store/ });
  assert.ok(await other.store.findImage("localhost/app:1"));

  await using destination = await parseImageName(theirs).openDestination();
  await using source = await parseImageName(theirs).openSource();
  const { bytes } = await source.getManifest();
  const image = parseManifest(bytes) as ParsedImage;
  const [layer] = await source.layersForCopy!(image) ?? image.layers;
  assert.equal(await destination.findBlob(layer!), layer!.size);
  assert.equal(await destination.findBlob({ ...layer!, size: layer!.size + 1 }), undefined);
  assert.equal(await destination.findBlob({ ...layer!, size: UNKNOWN_SIZE }), layer!.size);
});
