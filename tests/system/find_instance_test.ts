/** How texts are resolved that name an instance of a list, or an image to add. */
import assert from "node:assert/strict";
import { create, createMemoryStore, findInstance, findSource } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { encode, makeImage, pushImage } from "../support/images.ts";

const HOST = "registry.example";
const IMAGE = makeImage({ architecture: "amd64" });

async function makeWorld() {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  await pushImage(new RegistryClient(HOST, { fetch }).repository("app"), IMAGE, "1");
  const store = createMemoryStore();
  const list = create();
  await list.add(`${HOST}/app:1`, { systemContext: { fetch } });
  return {
    list,
    options: { store, systemContext: { fetch, retryDelay: 0 } },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

Deno.test("findInstance() takes a digest, a platform, a file or the name of an image", async () => {
  await using world = await makeWorld();
  const { list, options } = world;
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/sbom.json`, "{}");
    const artifact = await list.addArtifact([`${folder}/sbom.json`], {
      platform: { os: "linux", architecture: "s390x" },
    });
    const other = digestOf(encode("other"));
    const rows: [text: string, digest: string][] = [
      [IMAGE.digest, IMAGE.digest],
      [other, other],
      ["linux/amd64", IMAGE.digest],
      [`${folder}/sbom.json`, artifact],
      ["linux/s390x", artifact],
      [`docker://${HOST}/app:1`, IMAGE.digest],
      [`${HOST}/app:1`, IMAGE.digest],
    ];
    for (const [text, digest] of rows) assert.equal(await findInstance(list, text, options), digest, text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("findInstance() explains a text that names no instance, or several", async () => {
  await using world = await makeWorld();
  const { list, options } = world;
  const find = (text: string) => findInstance(list, text, options);
  list.addInstance({
    digest: digestOf(encode("attestation")),
    size: 1,
    mediaType: MEDIA_TYPES.ociManifest,
    platform: { os: "unknown", architecture: "unknown" },
  });
  await assert.rejects(find("linux/riscv64"), {
    code: "INSTANCE_NOT_FOUND",
    message: /\(its platforms are (?!.*unknown)linux\/amd64/,
  });
  await assert.rejects(find("app"), {
    code: "INSTANCE_NOT_FOUND",
    message: /not a digest, an artifact file, a platform/,
  });
  await assert.rejects(find(`${HOST}/none:1`), { code: "NOT_FOUND" });
  await assert.rejects(find("sha256:short"), { code: "INVALID_DIGEST" });
  const second = digestOf(encode("second"));
  const platform = { os: "linux", architecture: "amd64" };
  list.addInstance({ digest: second, size: 1, mediaType: MEDIA_TYPES.ociManifest, platform });
  await assert.rejects(find("linux/amd64"), {
    code: "INSTANCE_NOT_FOUND",
    message: /matches 2 instances: .*use a digest/,
  });
  await assert.rejects(findInstance(create(), "linux/arm64", options), { message: /it has no platforms/ });
});

Deno.test("findSource() prefers an image of the store, except lists and when all instances are requested", async () => {
  await using store = createMemoryStore();
  const id = "a".repeat(64);
  await store.createImage({
    id,
    names: ["localhost/image:latest"],
    data: [{ key: "manifest", bytes: IMAGE.manifest }],
  });
  await create().saveToImage(store, { names: ["list"] });
  const rows: [name: string, all: boolean, image: string, registry: string | undefined, reason: RegExp][] = [
    ["image", false, `containers-storage:${store.location}@${id}`, undefined, /the store has it as localhost\/image/],
    ["image", true, "docker://image:latest", "docker.io", /is one image, and all are wanted/],
    ["list", false, "docker://list:latest", "docker.io", /is a list, not an image/],
    ["quay.io/me/app:1", false, "docker://quay.io/me/app:1", "quay.io", /no image of that name/],
    ["oci:/folder:1", false, "oci:/folder:1", undefined, /its transport says so/],
    [
      "containers-storage:image",
      false,
      `containers-storage:${store.location}image`,
      undefined,
      /its transport says so/,
    ],
    ["containers-storage:[vfs@/x]image", false, "containers-storage:[vfs@/x]image", undefined, /its transport says so/],
  ];
  for (const [name, all, image, registry, reason] of rows) {
    const found = await findSource(store, name, { all });
    assert.deepEqual([found.name, found.image, found.registry], [name, image, registry], name);
    assert.match(found.reason, reason);
  }
});
