/** The outcome for each blob of a copy, as it is predicted and as it then is. */
import assert from "node:assert/strict";
import { outlineImageCopy } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { GZIP, platform, put, putImage, putList, TAR } from "../support/copy_world.ts";

const HOST = "registry.example";

async function makeWorld() {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const repository = (path: string) => new RegistryClient(HOST, { fetch }).repository(path);
  const from = repository("app");
  const gzip = await put(from, GZIP, MEDIA_TYPES.ociLayerGzip);
  const tar = await put(from, TAR, MEDIA_TYPES.ociLayer);
  const image = await putImage(from, [gzip, tar]);
  await putList(from, [{ ...image, ...platform("amd64") }]);
  const outline = async (to: string, options: Parameters<typeof outlineImageCopy>[2] = {}) =>
    await outlineImageCopy(`${HOST}/app:1`, `${HOST}/${to}`, {
      signaturePolicy: acceptAnything,
      ...options,
      systemContext: { fetch, ...options.systemContext },
    });
  return { repository, gzip, tar, image, outline };
}

Deno.test("an outline tells what exists, what is mounted, and what is compressed", async () => {
  const { repository, gzip, tar, image, outline } = await makeWorld();
  const { images, blobs, mediaType } = await outline("app:2");
  assert.equal(mediaType, MEDIA_TYPES.ociIndex);
  assert.deepEqual(
    images.map(({ digest, platform, converted, isReferrer }) => [digest, platform, converted, isReferrer]),
    [
      [image.digest, "linux/amd64", false, false],
    ],
  );
  assert.deepEqual(new Set(blobs.map(({ fate }) => fate)), new Set(["reused"]));
  await put(repository("other"), GZIP, MEDIA_TYPES.ociLayerGzip);
  const other = new Map((await outline("other:1")).blobs.map(({ digest, fate }) => [digest, fate]));
  assert.equal(other.get(gzip.digest), "reused");
  assert.deepEqual([...other.values()].filter((fate) => fate === "mounted").length, other.size - 1);
  const options = { forceCompressionFormat: true, systemContext: { compressionFormat: "zstd" } };
  const recompressed = await outline("third:1", options);
  const fates = new Map(recompressed.blobs.map(({ digest, fate }) => [digest, fate]));
  assert.deepEqual([fates.get(gzip.digest), fates.get(tar.digest)], ["compressed", "compressed"]);
});

Deno.test("an outline lists the variants that would be added, with the layers that would be made for them", async () => {
  const { gzip, tar, outline } = await makeWorld();
  const { images, blobs } = await outline("app:2", { addCompression: ["zstd"] });
  assert.deepEqual(images.map(({ variant }) => variant), [undefined, "zstd"]);
  for (const { digest } of [gzip, tar]) {
    const fates = blobs.filter((blob) => blob.digest === digest).map(({ fate }) => fate);
    assert.deepEqual(fates.toSorted(), ["compressed", "reused"]);
  }
});
