/** Tests that manifests with SHA-512 digests keep them at every kind of place. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { generateKey } from "openpgp";
import { copyImage, tagImage, validateImage } from "../../mod.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import {
  acceptAnything,
  createSimpleSigner,
  evaluatePolicy,
  openPgpKey,
  parsePolicy,
  verifySimpleSignature,
} from "../../src/signature/room.ts";
import { annotateIndex } from "../../src/system/remote/room.ts";
import { type Descriptor, type Digest, digestOf, MEDIA_TYPES, parseReference } from "../../src/spec/room.ts";
import { clientOf, createMemoryImages, encode, makeTar } from "../support/images.ts";
import { folderTest } from "../support/folders.ts";
import { serve, startEmbedded } from "../support/registries.ts";

const describe = (mediaType: string, bytes: Uint8Array): Descriptor => ({
  mediaType,
  digest: digestOf(bytes, "sha512"),
  size: bytes.length,
});

/** Creates an index of two images and a referrer of the first, all with SHA-512 digests. */
function makeWorld() {
  const blobs: Uint8Array<ArrayBuffer>[] = [];
  const instances = ["amd64", "arm64"].map((architecture) => {
    const content = makeTar("arch", architecture);
    const layer = new Uint8Array(gzipSync(content));
    const rootfs = { type: "layers", ["diff_ids"]: [digestOf(content)] };
    const config = encode({ architecture, os: "linux", config: {}, rootfs });
    blobs.push(layer, config);
    const manifest = encode({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: describe(MEDIA_TYPES.ociConfig, config),
      layers: [describe(MEDIA_TYPES.ociLayerGzip, layer)],
    });
    return { manifest, architecture };
  });
  const index = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: instances.map(({ manifest, architecture }) => ({
      ...describe(MEDIA_TYPES.ociManifest, manifest),
      platform: { architecture, os: "linux" },
    })),
  });
  const sbom = encode("sbom");
  const empty = encode("{}");
  blobs.push(sbom, empty);
  const referrer = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: "application/x-sbom",
    config: describe(MEDIA_TYPES.ociEmpty, empty),
    layers: [describe("application/x-sbom", sbom)],
    subject: describe(MEDIA_TYPES.ociIndex, index),
  });
  const manifests = [...instances.map(({ manifest }) => manifest), index, referrer];
  return { blobs, manifests, index, referrer, digest: digestOf(index, "sha512") };
}

const WORLD = makeWorld();

/** Writes the index to a layout under the name `1`. */
async function writeLayout(folder: string) {
  await Deno.mkdir(`${folder}/blobs/sha512`, { recursive: true });
  for (const bytes of [...WORLD.blobs, ...WORLD.manifests]) {
    await Deno.writeFile(`${folder}/blobs/${digestOf(bytes, "sha512").replace(":", "/")}`, bytes);
  }
  const named = { "org.opencontainers.image.ref.name": "1" };
  const manifests = [
    { ...describe(MEDIA_TYPES.ociIndex, WORLD.index), annotations: named },
    { ...describe(MEDIA_TYPES.ociManifest, WORLD.referrer), artifactType: "application/x-sbom" },
  ];
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
  await Deno.writeTextFile(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
}

const systemContext = { dockerInsecureSkipTlsVerify: true };
const options = { systemContext, signaturePolicy: acceptAnything, referrers: true };

folderTest("an index with a SHA-512 digest keeps it in layouts, archives and registries", async (folder) => {
  await writeLayout(`${folder}/start`);
  await using one = startEmbedded();
  await using two = startEmbedded();
  const chain = [
    `oci:${folder}/start:1`,
    `docker://${one.host}/app:1`,
    `docker://${two.host}/app:1`,
    `oci:${folder}/end:1`,
    `oci-archive:${folder}/end.tar:1`,
    `docker://${two.host}/archived:1`,
  ];
  for (const [i, destination] of chain.slice(1).entries()) {
    // An archive stores referrers, but not their subjects.
    const referrers = !chain[i]!.startsWith("oci-archive:");
    const { digest } = await copyImage(chain[i]!, destination, { ...options, referrers });
    assert.equal(digest, WORLD.digest, destination);
    const { problems } = await validateImage(destination, { systemContext, full: true });
    assert.deepEqual(problems, [], destination);
  }
  for (const host of [one.host, two.host]) {
    const repository = clientOf(host).repository("app");
    assert.equal((await repository.getManifest("1")).digest, WORLD.digest);
    for (const bytes of WORLD.manifests) {
      assert.deepEqual((await repository.getManifest(digestOf(bytes, "sha512"))).bytes, bytes);
      // Under another name, only tagged manifests would exist.
      assert.equal(await repository.headManifest(digestOf(bytes)), undefined);
    }
    const referrers = await Array.fromAsync(repository.listReferrers(WORLD.digest));
    assert.deepEqual(referrers.map(({ digest }) => digest), [digestOf(WORLD.referrer, "sha512")]);
  }
  const { manifests } = JSON.parse(await Deno.readTextFile(`${folder}/end/index.json`));
  assert.deepEqual(
    manifests.map(({ digest }: Descriptor) => digest),
    [WORLD.digest, digestOf(WORLD.referrer, "sha512")],
  );
});

folderTest("a dir: folder keeps SHA-512 digests", async (folder) => {
  await writeLayout(`${folder}/start`);
  await using registry = startEmbedded();
  await copyImage(`oci:${folder}/start:1`, `dir:${folder}/dir`, { ...options, referrers: false });
  await copyImage(`dir:${folder}/dir`, `docker://${registry.host}/app:1`, { ...options, referrers: false });
  const repository = clientOf(registry.host).repository("app");
  assert.equal(
    new TextDecoder().decode((await repository.getManifest("1")).bytes),
    new TextDecoder().decode(WORLD.index),
  );
  for (const bytes of WORLD.manifests.slice(0, 2)) {
    assert.deepEqual((await repository.getManifest(digestOf(bytes, "sha512"))).bytes, bytes);
  }
});

/** Creates a registry that ignores tags of a write by digest, and records the writes. */
function startOlder() {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const written: string[] = [];
  const registry = serve(async (request) => {
    const url = new URL(request.url);
    const name = url.pathname.split("/manifests/")[1];
    if (request.method === "PUT" && name !== undefined) written.push(name + url.search);
    url.search = request.method === "PUT" && name !== undefined ? "" : url.search;
    return await fetch(new Request(url, request));
  });
  return { ...registry, written };
}

folderTest(
  "a registry that ignores the tag of a write by digest gets the manifest by digest and by tag",
  async (folder) => {
    await writeLayout(`${folder}/start`);
    await using registry = startOlder();
    const copied = await copyImage(`oci:${folder}/start:1`, `docker://${registry.host}/app:1`, options);
    assert.equal(copied.digest, WORLD.digest);
    assert.deepEqual(registry.written.slice(-2), [`${WORLD.digest}?tag=1`, "1"]);
    const repository = clientOf(registry.host).repository("app");
    // The tag has the same bytes, but such a registry names them by SHA-256.
    assert.equal((await repository.getManifest("1")).digest, digestOf(WORLD.index));
    assert.deepEqual((await repository.getManifest(WORLD.digest)).bytes, WORLD.index);
  },
);

Deno.test("manifests with SHA-256 digests are written without a tag parameter", async () => {
  await using registry = startOlder();
  const images = await createMemoryImages();
  await copyImage(images.reference("list"), `docker://${registry.host}/app:1`, options);
  assert.deepEqual(registry.written.filter((name) => name.includes("?")), []);
});

folderTest("manifests with SHA-512 digests can be tagged and edited", async (folder) => {
  await writeLayout(`${folder}/start`);
  await using registry = startEmbedded();
  const image = `${registry.host}/app:1`;
  await copyImage(`oci:${folder}/start:1`, `docker://${image}`, options);
  for (let i = 0; i < 2; i++) assert.equal(await tagImage(image, ["2"], { systemContext }), WORLD.digest);
  const repository = clientOf(registry.host).repository("app");
  assert.equal((await repository.getManifest("2")).digest, WORLD.digest);
  // A tag that was changed by another writer is a conflict.
  const put = repository.putManifest("2", WORLD.referrer, {
    digest: digestOf(WORLD.referrer, "sha512"),
    ifMatch: null,
  });
  await assert.rejects(put, { code: "CONFLICT" });
  // An edited index gets a new digest, and its entries keep theirs.
  const { digest } = await annotateIndex(image, { annotations: { a: "b" } }, { systemContext });
  const edited = await repository.getManifest("1");
  assert.equal(edited.digest, digest);
  const { manifests } = JSON.parse(new TextDecoder().decode(edited.bytes));
  assert.deepEqual(
    manifests.map((entry: Descriptor) => entry.digest),
    WORLD.manifests.slice(0, 2).map((bytes) => digestOf(bytes, "sha512")),
  );
});

folderTest("recompressed layers and their manifests get SHA-256 digests", async (folder) => {
  await writeLayout(`${folder}/start`);
  const target = `oci:${folder}/zstd:1`;
  const { digest } = await copyImage(`oci:${folder}/start:1`, target, {
    signaturePolicy: acceptAnything,
    systemContext: { ...systemContext, compressionFormat: "zstd" },
    forceCompressionFormat: true,
  });
  assert.match(digest, /^sha256:/);
  assert.deepEqual((await validateImage(target, { full: true })).problems, []);
});

folderTest("a signature contains the SHA-512 digest of a manifest and is valid for it", async (folder) => {
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: "Me" }] });
  await using signer = createSimpleSigner(await openPgpKey(encode(privateKey)));
  await writeLayout(`${folder}/start`);
  const { bytes } = await signer.sign(WORLD.index, parseReference("quay.io/me/app:1"), { digest: WORLD.digest });
  const check = (manifestDigest: Digest | Digest[]) =>
    verifySimpleSignature(bytes, { keyrings: [encode(publicKey)], manifestDigest, acceptsReference: () => true });
  assert.equal((await check(WORLD.digest)).claims.digest, WORLD.digest);
  await check([digestOf(WORLD.index), WORLD.digest]);
  await assert.rejects(check(digestOf(WORLD.index)), { code: "SIGNATURE_DIGEST_MISMATCH" });
  await assert.rejects(signer.sign(WORLD.referrer, parseReference("quay.io/me/app:1"), { digest: WORLD.digest }), {
    code: "DIGEST_MISMATCH",
  });
  const signers = [signer];
  await copyImage(`oci:${folder}/start:1`, `dir:${folder}/dir`, {
    systemContext,
    signaturePolicy: acceptAnything,
    signers,
    signIdentity: "quay.io/me/app:1",
  });
  const stored = await Deno.readFile(`${folder}/dir/signature-1`);
  const keyrings = [encode(publicKey)];
  const acceptsReference = () => true;
  const verified = await verifySimpleSignature(stored, { keyrings, manifestDigest: WORLD.digest, acceptsReference });
  assert.equal(verified.claims.digest, WORLD.digest);
  const signedIdentity = { type: "exactReference", dockerReference: "quay.io/me/app:1" };
  const keyData = encode(publicKey).toBase64();
  const policy = parsePolicy(encode({ default: [{ type: "signedBy", keyType: "GPGKeys", keyData, signedIdentity }] }));
  const judge = async (digest: Digest, bytes: Uint8Array<ArrayBuffer>) => {
    const readSignatures = () => Promise.resolve([{ kind: "simple" as const, bytes }]);
    const image = { transport: "docker", identity: "quay.io/me/app:1", namespaces: [], manifest: WORLD.index, digest };
    return (await evaluatePolicy({ ...image, readSignatures }, policy)).allowed;
  };
  const bySha256 = await signer.sign(WORLD.index, parseReference("quay.io/me/app:1"));
  assert.equal(await judge(WORLD.digest, stored), true);
  assert.equal(await judge(WORLD.digest, bySha256.bytes), true);
  assert.equal(await judge(digestOf(WORLD.index), bySha256.bytes), true);
  assert.equal(await judge(digestOf(WORLD.index), stored), false);
});
