/** Tests copies of nested indexes. */
import assert from "node:assert/strict";
import { copyImage, create, parseImageName, validateImage, verify } from "../../mod.ts";
import type { CopyEvent } from "../../src/copy/room.ts";
import type { Repository } from "../../src/registry/room.ts";
import { acceptAnything, createPolicy, generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { type Descriptor, type Digest, MEDIA_TYPES, parseReference } from "../../src/spec/room.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, describe, encode, makeImage, pushImage, type TestImage } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { startDockerRegistry, startEmbedded } from "../support/registries.ts";

const OPTIONS = {
  systemContext: { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" },
  signaturePolicy: acceptAnything,
};
const IMAGES = ["amd64", "arm64", "s390x"].map((architecture) => makeImage({ architecture }));

function entry({ manifest }: TestImage, architecture: string): Descriptor {
  return { ...describe(MEDIA_TYPES.ociManifest, manifest), platform: { os: "linux", architecture } };
}

async function putIndex(repository: Repository, tag: string | undefined, manifests: Descriptor[]): Promise<Descriptor> {
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  const descriptor = describe(MEDIA_TYPES.ociIndex, bytes);
  await repository.putManifest(tag ?? descriptor.digest, bytes);
  return descriptor;
}

/** Pushes a list of an image and an index that contains the same image and another index. */
async function putNested(host: string) {
  const repository = clientOf(host).repository("app");
  for (const image of IMAGES) await pushImage(repository, image, image.digest);
  const [amd64, arm64, s390x] = [entry(IMAGES[0]!, "amd64"), entry(IMAGES[1]!, "arm64"), entry(IMAGES[2]!, "s390x")];
  const inner = await putIndex(repository, undefined, [s390x]);
  const middle = await putIndex(repository, undefined, [amd64, arm64, inner]);
  const top = await putIndex(repository, "1", [amd64, middle]);
  return { repository, inner: inner.digest, middle: middle.digest, top: top.digest };
}

const digests = IMAGES.map(({ digest }) => digest);

peerTest("a nested index is copied completely to every kind of place and back", ["docker-registry"], async () => {
  await using from = startEmbedded();
  await using to = await startDockerRegistry();
  const { inner, middle, top } = await putNested(from.host);
  const folder = await Deno.makeTempDir();
  try {
    const written: Digest[] = [];
    const onProgress = (event: CopyEvent) => void (event.type === "manifest-done" && written.push(event.digest));
    const { digest, instances } = await copyImage(`${from.host}/app:1`, `${to.host}/copy:1`, {
      ...OPTIONS,
      onProgress,
    });
    assert.equal(digest, top);
    // In the order of the list, deeper levels last, independent of the order of writing.
    assert.deepEqual([...instances.keys()], [digests[0], middle, digests[1], inner, digests[2]]);
    for (const [source, pushed] of instances) assert.equal(pushed, source);
    // Each manifest once, an index after all manifests that it names.
    assert.deepEqual(new Set(written.slice(0, 3)), new Set(digests));
    assert.deepEqual(written.slice(3), [inner, middle, top]);
    const places = [`oci:${folder}/layout:a`, `oci-archive:${folder}/a.tar:a`, `dir:${folder}/dir`];
    let source = `docker://${to.host}/copy:1`;
    for (const place of places) {
      assert.equal((await copyImage(source, place, OPTIONS)).digest, top);
      source = place;
    }
    assert.equal((await copyImage(source, `${to.host}/back:1`, OPTIONS)).digest, top);
    const validation = await validateImage(`${to.host}/back:1`, { ...OPTIONS, full: true });
    assert.deepEqual(validation.problems, []);
    assert.equal(validation.blobs, 6);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every manifest of a nested list is signed, and evaluated by the policy", async () => {
  await using registry = startEmbedded();
  const { inner, middle, repository } = await putNested(registry.host);
  const passphrase = encode("pw");
  const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
  await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
  const systemContext = { ...OPTIONS.systemContext, dockerUseSigstoreAttachments: true };
  const list = create();
  assert.deepEqual(await list.add(`${registry.host}/app:1`, { systemContext, all: true }), digests[0]);
  assert.deepEqual(list.instances(), [digests[0], middle]);
  const { instances } = await list.push(`${registry.host}/signed:1`, { systemContext, signers: [signer] });
  const policy = createPolicy({ default: [{ type: "sigstoreSigned", keyData: btoa(publicKey) }] });
  const verdict = await verify(`${registry.host}/signed:1`, { policy, systemContext });
  assert.equal(verdict.allowed, true);
  assert.deepEqual(new Set(verdict.instances.keys()), new Set([...digests, inner, middle]));
  assert.deepEqual(new Set(instances.keys()), new Set(verdict.instances.keys()));
  // A missing signature is noticed at any depth.
  const signed = repository.path.replace("app", "signed");
  await clientOf(registry.host).repository(signed).deleteManifest(`${inner.replace(":", "-")}.sig`);
  const after = await verify(`${registry.host}/signed:1`, { policy, systemContext });
  assert.equal(after.allowed, false);
  assert.equal(after.instances.get(inner)!.reasons[0]?.code, "SIGNATURE_MISSING");
  assert.ok(after.instances.get(middle)!.allowed);
});

Deno.test("a changed image changes only the indexes above it", async () => {
  await using registry = startEmbedded();
  const { inner, middle, top } = await putNested(registry.host);
  const systemContext = { ...OPTIONS.systemContext, compressionFormat: "zstd" };
  const target = `${registry.host}/zstd:1`;
  const { instances, digest } = await copyImage(`${registry.host}/app:1`, target, {
    ...OPTIONS,
    systemContext,
    forceCompressionFormat: true,
  });
  assert.equal(instances.size, 5);
  for (const source of [...digests, inner, middle]) assert.notEqual(instances.get(source), source);
  assert.notEqual(digest, top);
  assert.deepEqual((await validateImage(target, OPTIONS)).problems, []);
  const twice = await copyImage(`${registry.host}/app:1`, `${registry.host}/both:1`, {
    ...OPTIONS,
    addCompression: ["zstd"],
  });
  assert.notEqual(twice.digest, top);
  assert.notEqual(twice.instances.get(middle), middle);
  for (const source of digests) assert.equal(twice.instances.get(source), source);
  const both = await validateImage(`${registry.host}/both:1`, OPTIONS);
  // Each image gets a variant; the shared one is considered in both indexes.
  assert.deepEqual([both.problems, both.images], [[], 8]);
  await assert.rejects(
    copyImage(`${registry.host}/app:1`, target, { ...OPTIONS, addCompression: ["zstd"], preserveDigests: true }),
    TypeError,
  );
});

Deno.test("a signed nested index keeps its instances unchanged", async () => {
  await using registry = startEmbedded();
  const { middle, repository } = await putNested(registry.host);
  const passphrase = encode("pw");
  const { privateKey } = await generateSigstoreKeyPair(passphrase);
  await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
  const systemContext = { ...OPTIONS.systemContext, dockerUseSigstoreAttachments: true, compressionFormat: "zstd" };
  const { bytes } = await repository.getManifest(middle);
  const signature = await signer.sign(bytes, parseReference(`${registry.host}/app:1`));
  const destination = await parseImageName(`docker://${registry.host}/app:1`).openDestination(systemContext);
  await using _ = destination;
  await destination.putSignatures!([signature], {
    digest: middle,
    isInstance: true,
    mediaType: MEDIA_TYPES.ociIndex,
    size: bytes.length,
  });
  const options = { ...OPTIONS, systemContext, forceCompressionFormat: true };
  const target = `${registry.host}/other:1`;
  await assert.rejects(copyImage(`${registry.host}/app:1`, target, options), { code: "CANNOT_MODIFY" });
  assert.equal(await clientOf(registry.host).repository("other").headManifest("1"), undefined);
  await copyImage(`${registry.host}/app:1`, target, { ...options, removeSignatures: true });
});

folderTest(
  "the image for a platform is found in a nested index; indexes that are too deep are rejected",
  async (folder) => {
    await using registry = startEmbedded();
    const repository = clientOf(registry.host).repository("app");
    await pushImage(repository, IMAGES[1]!, "image");
    const platform = { os: "linux", architecture: "arm64" };
    let below: Descriptor = entry(IMAGES[1]!, "arm64");
    for (let depth = 1; depth <= 9; depth++) {
      below = {
        ...await putIndex(repository, `depth-${depth}`, [below]),
        platform,
      };
    }
    const list = create();
    const systemContext = { ...OPTIONS.systemContext, osChoice: "linux", architectureChoice: "arm64" };
    await list.add(`${registry.host}/app:depth-3`, { systemContext, all: true });
    const chosen = await list.push(`oci:${folder}/one`, { systemContext, imageListSelection: "system" });
    assert.equal(chosen.digest, IMAGES[1]!.digest);
    const deepest = await copyImage(`${registry.host}/app:depth-8`, `${registry.host}/copy:8`, OPTIONS);
    assert.equal(deepest.instances.size, 8);
    await assert.rejects(copyImage(`${registry.host}/app:depth-9`, `${registry.host}/copy:9`, OPTIONS), {
      code: "LIMIT_EXCEEDED",
    });
    assert.equal(await clientOf(registry.host).repository("copy").headManifest("9"), undefined);
  },
);

Deno.test("a few indexes that name each other many times are read once each", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  await pushImage(repository, IMAGES[0]!, "image");
  const WIDTH = 12, DEPTH = 8;
  let level: Descriptor[] = [entry(IMAGES[0]!, "amd64")];
  for (let depth = 2; depth <= DEPTH; depth++) {
    // Each index is different and names all indexes of the level below.
    const same = level;
    level = await Promise.all(Array.from({ length: WIDTH }, async (_, i) => {
      const annotations = { number: String(i) };
      const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: same, annotations });
      await repository.putManifest(describe(MEDIA_TYPES.ociIndex, bytes).digest, bytes);
      return describe(MEDIA_TYPES.ociIndex, bytes);
    }));
  }
  await putIndex(repository, "1", level);
  const lines: string[] = [];
  const reportWriter = { write: (line: string) => lines.push(line) };
  const options = { ...OPTIONS, reportWriter };
  const { instances } = await copyImage(`${registry.host}/app:1`, `${registry.host}/copy:1`, options);
  assert.equal(instances.size, 1 + WIDTH * (DEPTH - 1));
  assert.ok(lines.includes("Copying 1 images generated from 1 images in list\n"));
  assert.deepEqual((await validateImage(`${registry.host}/copy:1`, OPTIONS)).problems, []);
});
