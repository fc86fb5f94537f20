/** Lists with entries that are not as the specifications demand: they hold up nothing but themselves. */
import assert from "node:assert/strict";
import {
  copyImage,
  create,
  createMemoryStore,
  describeImage,
  List,
  loadFromImage,
  parseImageName,
  validateImage,
} from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { type Descriptor, type Digest, digestHex, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { folderTest } from "../support/folders.ts";
import { describe, encode, makeImage } from "../support/images.ts";

const OPTIONS = {
  systemContext: { blobInfoCacheDir: "", osChoice: "linux", architectureChoice: "amd64" },
  signaturePolicy: acceptAnything,
};
const NAME = "org.opencontainers.image.ref.name";
const IMAGE = makeImage({ architecture: "amd64" });
const BLAKE3 = `blake3:${"0".repeat(64)}` as Digest;
const CONTENT = encode("content");

function manifestOf(image: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  return encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, ...image });
}

/** An artifact as upstream's own fixture has it: it names no configuration. */
const ARTIFACT = manifestOf({
  artifactType: "application/vnd.example",
  layers: [describe("application/octet-stream", CONTENT)],
});

const AMD64: Descriptor = {
  ...describe(MEDIA_TYPES.ociManifest, IMAGE.manifest),
  platform: { os: "linux", architecture: "amd64" },
};
const UNKNOWN: Descriptor = {
  mediaType: MEDIA_TYPES.ociManifest,
  digest: BLAKE3,
  size: 7,
  platform: { os: "linux", architecture: "arm64" },
};

/** Writes a layout of an index with the entries `manifests`; `others` are further entries of `index.json`. */
async function writeLayout(folder: string, manifests: readonly Descriptor[], others: readonly Descriptor[] = []) {
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const index = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  for (const bytes of [index, IMAGE.manifest, ARTIFACT, CONTENT, ...IMAGE.blobs.map((blob) => blob.bytes)]) {
    await Deno.writeFile(`${folder}/blobs/sha256/${digestHex(digestOf(bytes))}`, bytes);
  }
  await Deno.writeTextFile(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const top = { ...describe(MEDIA_TYPES.ociIndex, index), annotations: { [NAME]: "1" } };
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [...others, top] }));
  return { reference: `oci:${folder}:1`, index };
}

folderTest("an artifact without a configuration is added, copied and pushed unchanged", async (folder) => {
  const artifact = { ...describe(MEDIA_TYPES.ociManifest, ARTIFACT), artifactType: "application/vnd.example" };
  const { reference, index } = await writeLayout(`${folder}/from`, [AMD64, artifact]);
  const copied = await copyImage(reference, `oci:${folder}/copied:1`, OPTIONS);
  assert.equal(copied.digest, digestOf(index));
  const list = create();
  await list.add(reference, { systemContext: OPTIONS.systemContext, all: true });
  assert.deepEqual(list.instances(), [AMD64.digest, artifact.digest]);
  await list.push(`dir:${folder}/pushed`, OPTIONS);
  assert.deepEqual(await Deno.readFile(`${folder}/pushed/${digestHex(artifact.digest)}.manifest.json`), ARTIFACT);
  for (const place of ["copied/blobs/sha256", "pushed"]) {
    assert.deepEqual(await Deno.readFile(`${folder}/${place}/${digestHex(digestOf(CONTENT))}`), CONTENT);
  }
  const alone = create();
  await alone.add(reference, { systemContext: OPTIONS.systemContext });
  assert.deepEqual(alone.instances(), [AMD64.digest]);
  const { problems } = await validateImage(reference, { ...OPTIONS, full: true });
  assert.deepEqual(problems.map(({ instance, problem }) => [instance, /configuration/.test(problem)]), [
    [artifact.digest, true],
  ]);
});

folderTest("an entry of an unknown digest algorithm fails only if its content is needed", async (folder) => {
  const others = [{ ...UNKNOWN, annotations: { [NAME]: "other" } }];
  const { reference, index } = await writeLayout(`${folder}/from`, [UNKNOWN, AMD64], others);
  const chosen = create();
  await chosen.add(reference, { systemContext: OPTIONS.systemContext });
  assert.deepEqual(chosen.instances(), [AMD64.digest]);
  const one = await copyImage(reference, `oci:${folder}/one:1`, { ...OPTIONS, platforms: ["linux/amd64"] });
  assert.deepEqual([...one.instances.keys()], [AMD64.digest]);
  const list = List.fromBlob(index);
  list.locateInstances(parseImageName(reference));
  const sparse = { ...OPTIONS, imageListSelection: "specific", instances: [AMD64.digest] } as const;
  assert.equal((await list.push(`oci:${folder}/sparse:1`, sparse)).digest, digestOf(index));
  const needed = { code: "INVALID_DIGEST", message: new RegExp(BLAKE3) };
  await assert.rejects(copyImage(reference, `oci:${folder}/all:1`, OPTIONS), needed);
  await assert.rejects(Deno.stat(`${folder}/all`), Deno.errors.NotFound);
  await assert.rejects(copyImage(`oci:${folder}/from:other`, `oci:${folder}/all:1`, OPTIONS), needed);
  // Adding an image to the layout keeps the entry.
  await copyImage(`oci:${folder}/one:1`, `oci:${folder}/from:2`, OPTIONS);
  const { manifests } = JSON.parse(await Deno.readTextFile(`${folder}/from/index.json`));
  assert.deepEqual(manifests[0], others[0]);
  const described = await describeImage(reference, OPTIONS);
  assert.ok("instances" in described);
  const { problems } = await validateImage(reference, OPTIONS);
  assert.deepEqual(problems.map(({ instance }) => instance), [BLAKE3]);
  assert.match(problems[0]!.problem, /blake3/);
});

Deno.test("a list with an entry of an unknown digest algorithm is loaded, edited and saved", async () => {
  const store = createMemoryStore();
  const list = List.fromBlob(
    encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [UNKNOWN, AMD64] }),
  );
  assert.equal(list.instanceByFile(BLAKE3), BLAKE3);
  list.setAnnotations(BLAKE3, { a: "b" });
  await list.saveToImage(store, { names: ["list"] });
  const { list: loaded } = await loadFromImage(store, "list");
  assert.deepEqual(loaded.instances(), [BLAKE3, AMD64.digest]);
  assert.deepEqual(loaded.annotations(BLAKE3), { a: "b" });
  loaded.remove(BLAKE3);
  assert.deepEqual(loaded.instances(), [AMD64.digest]);
});

folderTest("a layer of an unknown digest algorithm is named before anything is written", async (folder) => {
  const layers = [{ mediaType: MEDIA_TYPES.ociLayerGzip, digest: BLAKE3, size: 7 }];
  const manifest = manifestOf({ config: IMAGE.blobs.at(-1)!.descriptor, layers });
  const { reference } = await writeLayout(`${folder}/from`, [AMD64, describe(MEDIA_TYPES.ociManifest, manifest)]);
  await Deno.writeFile(`${folder}/from/blobs/sha256/${digestHex(digestOf(manifest))}`, manifest);
  await assert.rejects(copyImage(reference, `oci:${folder}/to:1`, OPTIONS), {
    code: "INVALID_DIGEST",
    message: new RegExp(BLAKE3),
  });
  await assert.rejects(Deno.stat(`${folder}/to`), Deno.errors.NotFound);
});
