/** Tests copies with referrers, including signatures that are referrers. */
import assert from "node:assert/strict";
import { copyImage, create, loadFromImage, verify } from "../../mod.ts";
import type { Repository } from "../../src/registry/room.ts";
import {
  acceptAnything,
  attachmentTag,
  createPolicy,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  SIGNATURE_ARTIFACT_TYPE,
} from "../../src/signature/room.ts";
import { encodeBundle } from "../../src/signature/attestation/bundle.ts";
import { PREDICATE_TYPE_ANNOTATION } from "../../src/signature/attestation/bundle_referrer.ts";
import { encodeStatement } from "../../src/signature/attestation/statement.ts";
import { type Descriptor, type Digest, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { folderTest } from "../support/folders.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { clientOf, describe, encode, makeImage, pushImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { serve, startDockerRegistry, startEmbedded, type TestRegistry } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
const OPTIONS = { systemContext, signaturePolicy: acceptAnything };
const SBOM = "application/spdx+json", NOTE = "application/vnd.example.note";
const IMAGES = ["amd64", "arm64"].map((architecture) => makeImage({ architecture }));

/** Pushes an artifact that is a referrer of a manifest. */
async function putArtifact(
  repository: Repository,
  subject: Descriptor,
  artifactType: string,
  content: unknown,
  annotations: Record<string, string> = { of: artifactType },
): Promise<Descriptor> {
  const bytes = content instanceof Uint8Array ? Uint8Array.from(content) : encode(content);
  const layer = describe("application/json", bytes);
  const empty = encode("{}"), config = describe("application/vnd.oci.empty.v1+json", empty);
  for (const [descriptor, body] of [[layer, bytes], [config, empty]] as const) {
    await repository.putBlob(descriptor, new Blob([body]).stream());
  }
  const manifest = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType,
    config,
    layers: [layer],
    subject,
    annotations,
  });
  const descriptor = describe(MEDIA_TYPES.ociManifest, manifest);
  await repository.putManifest(descriptor.digest, manifest);
  return descriptor;
}

/** Pushes a list with a note, whose first image has an SBOM, which also has a note. */
async function putList(host: string) {
  const repository = clientOf(host).repository("app");
  for (const image of IMAGES) await pushImage(repository, image, image.digest);
  const manifests = IMAGES.map(({ manifest }, i) => ({
    ...describe(MEDIA_TYPES.ociManifest, manifest),
    platform: { os: "linux", architecture: ["amd64", "arm64"][i] },
  }));
  const index = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  await repository.putManifest("1", index);
  const image = describe(MEDIA_TYPES.ociManifest, IMAGES[0]!.manifest);
  const sbom = await putArtifact(repository, image, SBOM, { packages: [] });
  const about = await putArtifact(repository, sbom, NOTE, "of the SBOM");
  const own = await putArtifact(repository, describe(MEDIA_TYPES.ociIndex, index), NOTE, "of the list");
  return { repository, top: digestOf(index), image: image.digest, sbom, about, own };
}

async function referrersOf(host: string, path: string, digest: Digest): Promise<Digest[]> {
  const found = await Array.fromAsync(clientOf(host).repository(path).listReferrers(digest));
  return found.map(({ digest }) => digest);
}

/** Combinations of registries with and without the referrers API. */
const REGISTRIES: [string, () => TestRegistry | Promise<TestRegistry>][] = [
  ["with the referrers API", () => startEmbedded()],
  ["without the referrers API", () => startDockerRegistry()],
];

for (const [name, start] of REGISTRIES) {
  peerTest(`referrers of a list, of its images and of referrers are copied: to a registry ${name}`, [
    "docker-registry",
  ], async () => {
    await using from = startEmbedded();
    await using to = await start();
    const { top, image, sbom, about, own } = await putList(from.host);
    const plain = await copyImage(`${from.host}/app:1`, `${to.host}/plain:1`, OPTIONS);
    assert.equal(plain.referrers, undefined);
    assert.deepEqual(await referrersOf(to.host, "plain", image), []);
    const copied = await copyImage(`${from.host}/app:1`, `${to.host}/copy:1`, { ...OPTIONS, referrers: true });
    assert.equal(copied.digest, top);
    assert.deepEqual(
      copied.referrers,
      new Map([[image, [sbom.digest]], [sbom.digest, [about.digest]], [top, [own.digest]]]),
    );
    assert.deepEqual([...copied.instances.keys()].toSorted(), IMAGES.map(({ digest }) => digest).toSorted());
    for (const subject of [image, sbom.digest, top]) {
      assert.deepEqual(await referrersOf(to.host, "copy", subject), copied.referrers.get(subject), subject);
    }
    // A second copy changes nothing, and the copy can be copied again.
    assert.deepEqual(
      await copyImage(`${from.host}/app:1`, `${to.host}/copy:1`, { ...OPTIONS, referrers: true }),
      copied,
    );
    const on = await copyImage(`${to.host}/copy:1`, `${from.host}/on:1`, { ...OPTIONS, referrers: true });
    assert.deepEqual(on.referrers, copied.referrers);
  });
}

folderTest("a list in a store is pushed with the referrers of its images, also through layouts", async (folder) => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const { image, sbom, about } = await putList(registry.host);
  const list = create();
  await list.add(`${registry.host}/app:1`, { systemContext, all: true });
  await list.saveToImage(at.store, { names: ["list"] });
  const loaded = (await loadFromImage(at.store, "list")).list;
  const expected = new Map([[image, [sbom.digest]], [sbom.digest, [about.digest]]]);
  const options = { systemContext, referrers: true };
  for (const place of [`oci:${folder}/layout:a`, `oci-archive:${folder}/a.tar:a`]) {
    assert.deepEqual((await loaded.push(place, options)).referrers, expected, place);
    const back = await copyImage(place, `${registry.host}/back:1`, { ...OPTIONS, referrers: true });
    assert.deepEqual(back.referrers, expected, place);
  }
  // Additional entries would hide an image without a name, and other places do not support referrers.
  for (const place of [`oci:${folder}/nameless`, `dir:${folder}/dir`, `oci-archive:${folder}/b.tar`]) {
    await assert.rejects(loaded.push(place, options), { code: "REFERRERS_NOT_SUPPORTED" }, place);
    await loaded.push(place, { systemContext });
  }
  const { manifests } = JSON.parse(await Deno.readTextFile(`${folder}/layout/index.json`));
  const listed = manifests.slice(1).map(({ digest, artifactType, annotations }: Descriptor) =>
    [digest, artifactType, annotations] as const
  );
  const entries = [[sbom.digest, SBOM, { of: SBOM }], [about.digest, NOTE, { of: NOTE }]];
  assert.deepEqual(listed, entries.toSorted());
  // Other tools still read the layout.
  await ok(["skopeo", "inspect", "--raw", `oci:${folder}/layout:a`]);
});

Deno.test("an image with referrers stays unchanged", async () => {
  await using registry = startEmbedded();
  await putList(registry.host);
  const target = `${registry.host}/copy:1`;
  const zstd = { ...systemContext, compressionFormat: "zstd" };
  const forced = { ...OPTIONS, systemContext: zstd, forceCompressionFormat: true };
  await assert.rejects(copyImage(`${registry.host}/app:1`, target, { ...forced, referrers: true }), {
    code: "CANNOT_MODIFY",
  });
  const image = `${registry.host}/app@${IMAGES[0]!.digest}`;
  await assert.rejects(copyImage(image, target, { ...forced, referrers: true }), { code: "CANNOT_MODIFY" });
  assert.equal(await clientOf(registry.host).repository("copy").headManifest("1"), undefined);
});

Deno.test("a list of referrers is not trusted", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  let listed: Descriptor[] | undefined;
  await using lying = serve((request) => {
    if (!listed || !request.url.includes("/referrers/")) return registry.fetch(request);
    const body = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: listed });
    return new Response(body, { headers: { "content-type": MEDIA_TYPES.ociIndex } });
  });
  const { image, sbom, about } = await putList(lying.host);
  // One missing, one of another subject, one without a subject, one listed twice, and the image itself.
  const gone = describe(MEDIA_TYPES.ociManifest, encode("gone"));
  const [first, second] = IMAGES.map(({ manifest }) => describe(MEDIA_TYPES.ociManifest, manifest));
  listed = [gone, about, second!, sbom, sbom, first!];
  const copy = () => copyImage(`${lying.host}/app:1`, `${lying.host}/copy:1`, { ...OPTIONS, referrers: true });
  const { referrers } = await copy();
  assert.deepEqual(referrers?.get(image), [sbom.digest]);
  assert.deepEqual(referrers?.get(sbom.digest), [about.digest]);
  assert.equal(referrers?.size, 2);
  // An index whose subject is its own instance.
  const circle = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [first],
    subject: first,
  });
  const repository = clientOf(lying.host).repository("app");
  const { digest } = describe(MEDIA_TYPES.ociIndex, circle);
  await repository.putManifest(digest, circle);
  listed = [describe(MEDIA_TYPES.ociIndex, circle)];
  assert.deepEqual((await copy()).referrers, new Map([[image, [digest]]]));
  listed = Array.from({ length: 1001 }, (_, i) => describe(MEDIA_TYPES.ociManifest, encode(String(i))));
  await assert.rejects(copy(), { code: "LIMIT_EXCEEDED" });
});

/** A bundle of a statement with this predicate type, signed by nobody. */
function makeBundle(predicateType: string): Uint8Array<ArrayBuffer> {
  const payload = encodeStatement([{ digest: IMAGES[0]!.digest }], predicateType, {});
  return encodeBundle({ payload, signatures: [] }, encode("key"));
}

const PROVENANCE = "https://slsa.dev/provenance/v1", SIGNED = "https://sigstore.dev/cosign/sign/v1";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** Artifacts by their type, content, annotation of the predicate type, and whether they are signatures. */
const ARTIFACTS: [type: string, content: unknown, predicateType: string | undefined, isSignature: boolean][] = [
  [SIGNATURE_ARTIFACT_TYPE, "signature", undefined, true],
  ["application/vnd.cncf.notary.signature", "signature", undefined, true],
  ["application/vnd.in-toto+json", "statement", undefined, false],
  [BUNDLE, makeBundle(SIGNED), SIGNED, true],
  [BUNDLE, makeBundle(SIGNED), undefined, true],
  [BUNDLE, { mediaType: BUNDLE, messageSignature: {} }, undefined, true],
  [BUNDLE, makeBundle(PROVENANCE), PROVENANCE, false],
  [BUNDLE, makeBundle(PROVENANCE), undefined, false],
  [BUNDLE, "unknown", undefined, false],
];

/** How lists of referrers describe them: as the referrers API does, and as the two versions of cosign do in a tag. */
const LISTINGS: [name: string, describe: (entry: Descriptor) => Partial<Descriptor>][] = [
  ["as they are", (entry) => entry],
  ["without annotations, as by cosign 3", ({ artifactType = "" }) => ({ artifactType })],
  ["with the type of the configuration, as by cosign 2", () => ({ artifactType: MEDIA_TYPES.ociEmpty })],
  ["without a type", () => ({})],
];

for (const [name, describeAs] of LISTINGS) {
  Deno.test(`removeSignatures skips only the referrers that are signatures, listed ${name}`, async () => {
    const registry = createRegistry({ storage: createMemoryStorage() });
    const listed: Descriptor[] = [];
    const { digest: image } = describe(MEDIA_TYPES.ociManifest, IMAGES[0]!.manifest);
    await using host = serve((request) => {
      if (!request.url.includes(`/referrers/${image}`)) return registry.fetch(request);
      const manifests = listed.map((entry) => ({ ...describe(MEDIA_TYPES.ociManifest, encode("")), ...entry }));
      const body = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
      return new Response(body, { headers: { "content-type": MEDIA_TYPES.ociIndex } });
    });
    const { repository, sbom } = await putList(host.host);
    const subject = describe(MEDIA_TYPES.ociManifest, IMAGES[0]!.manifest);
    const all: Digest[] = [sbom.digest], kept: Digest[] = [sbom.digest];
    listed.push(sbom);
    for (const [artifactType, content, predicateType, isSignature] of ARTIFACTS) {
      const annotations = predicateType === undefined ? undefined : { [PREDICATE_TYPE_ANNOTATION]: predicateType };
      const entry = await putArtifact(repository, subject, artifactType, content, annotations);
      listed.push({
        mediaType: entry.mediaType,
        digest: entry.digest,
        size: entry.size,
        ...describeAs({ ...entry, artifactType, ...(annotations ? { annotations } : {}) }),
      });
      all.push(entry.digest);
      if (!isSignature) kept.push(entry.digest);
    }
    // Signatures are not evaluated here: only a policy would reject invalid ones.
    const options = {
      ...OPTIONS,
      referrers: true,
      systemContext: { ...systemContext, dockerUseSigstoreAttachments: false },
    };
    const whole = await copyImage(`${host.host}/app:1`, `${host.host}/all:1`, options);
    assert.deepEqual(new Set(whole.referrers!.get(image)), new Set(all));
    const some = await copyImage(`${host.host}/app:1`, `${host.host}/some:1`, { ...options, removeSignatures: true });
    assert.deepEqual(new Set(some.referrers!.get(image)), new Set(kept));
  });
}

Deno.test("removeListSignatures skips the list's own signatures that are referrers, and no others", async () => {
  await using registry = startEmbedded();
  const { repository, top, image, sbom, own } = await putList(registry.host);
  const { bytes } = await repository.getManifest(top);
  await putArtifact(repository, describe(MEDIA_TYPES.ociIndex, bytes), BUNDLE, makeBundle(SIGNED));
  const subject = describe(MEDIA_TYPES.ociManifest, IMAGES[0]!.manifest);
  const signature = await putArtifact(repository, subject, BUNDLE, makeBundle(SIGNED));
  const options = { ...OPTIONS, referrers: true, removeListSignatures: true };
  const { referrers } = await copyImage(`${registry.host}/app:1`, `${registry.host}/some:1`, options);
  assert.deepEqual(referrers?.get(top), [own.digest]);
  assert.deepEqual(new Set(referrers?.get(image)), new Set([sbom.digest, signature.digest]));
});

/** Creates a key and a policy that requires it. */
async function makeKey(dockerRepository: string) {
  const passphrase = encode("pw");
  const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
  return {
    signer: await openSigstoreSigner(encode(privateKey), { passphrase }),
    policy: createPolicy({
      default: [{
        type: "sigstoreSigned",
        keyData: btoa(publicKey),
        signedIdentity: { type: "exactRepository", dockerRepository },
      }],
    }),
  };
}

for (const [name, start] of REGISTRIES) {
  peerTest(`signatures as referrers are written and accepted, in addition to those under tags: ${name}`, [
    "docker-registry",
  ], async () => {
    await using registry = await start();
    await putList(registry.host);
    const { signer, policy } = await makeKey(`${registry.host}/signed`);
    await using _ = signer;
    const attached = { ...systemContext, dockerUseSigstoreAttachments: true };
    const asReferrers = { ...attached, registryReferrersMode: "oci-1-1" as const };
    const list = create();
    await list.add(`${registry.host}/app:1`, { systemContext, all: true });
    const name = `${registry.host}/signed:1`;
    const { digest, instances } = await list.push(name, { systemContext: asReferrers, signers: [signer] });
    const repository = clientOf(registry.host).repository("signed");
    for (const signed of [digest, ...instances.values()]) {
      assert.equal(await repository.headManifest(attachmentTag(signed)), undefined);
      assert.equal((await referrersOf(registry.host, "signed", signed)).length, 1);
    }
    assert.ok((await verify(name, { policy, systemContext: attached })).allowed);
    assert.equal((await verify(name, { policy, systemContext })).allowed, false);
    // Without `referrers`, they are copied as signatures, in the form that the destination is configured for.
    const tagged = `${registry.host}/tagged:1`;
    const signedOptions = { systemContext: attached, signaturePolicy: acceptAnything };
    await copyImage(name, tagged, signedOptions);
    assert.notEqual(await clientOf(registry.host).repository("tagged").headManifest(attachmentTag(digest)), undefined);
    assert.deepEqual(await referrersOf(registry.host, "tagged", digest), []);
    // With `referrers`, they are copied as referrers, and only once.
    const both = `${registry.host}/both:1`;
    await copyImage(name, both, { ...signedOptions, referrers: true });
    assert.equal(await clientOf(registry.host).repository("both").headManifest(attachmentTag(digest)), undefined);
    assert.equal((await referrersOf(registry.host, "both", digest)).length, 1);
    // Signatures under tags are copied too, whatever registries.d specifies for attachments.
    const again = `${registry.host}/again:1`;
    await copyImage(tagged, again, { ...OPTIONS, referrers: true });
    for (const name of [both, tagged, again]) {
      assert.ok((await verify(name, { policy, systemContext: attached })).allowed);
    }
    // An existing signature is not written again.
    await copyImage(both, both, { systemContext: asReferrers, signaturePolicy: acceptAnything });
    assert.equal((await referrersOf(registry.host, "both", digest)).length, 1);
  });
}

Deno.test("a signed list is not changed unless its own signatures are removed", async () => {
  await using registry = startEmbedded();
  const attached = { ...systemContext, dockerUseSigstoreAttachments: true };
  const { signer, policy } = await makeKey(`${registry.host}/signed`);
  await using _ = signer;
  await putList(registry.host);
  const list = create();
  await list.add(`${registry.host}/app:1`, { systemContext, all: true });
  const signed = `${registry.host}/signed:1`, target = `${registry.host}/some:1`;
  await list.push(signed, { systemContext: attached, signers: [signer] });
  const options = { systemContext: attached, signaturePolicy: acceptAnything };
  const some = { ...options, platforms: ["linux/amd64"] };
  await assert.rejects(copyImage(signed, target, some), { code: "CANNOT_MODIFY" });
  assert.equal(await clientOf(registry.host).repository("some").headManifest("1"), undefined);
  const { instances } = await copyImage(signed, target, { ...some, removeListSignatures: true });
  assert.deepEqual([...instances.keys()], [IMAGES[0]!.digest]);
  // Nothing else changed: only the signatures of the list are missing.
  const whole = `${registry.host}/whole:1`;
  await copyImage(signed, whole, { ...options, removeListSignatures: true });
  for (const name of [target, whole]) {
    const { top, instances } = await verify(name, { policy, systemContext: attached });
    assert.equal(top.allowed, false);
    assert.ok([...instances.values()].every(({ allowed }) => allowed));
  }
  await copyImage(signed, target, { ...some, removeSignatures: true });
  // If the platforms select all instances, the list and its signatures stay unchanged.
  const all = `${registry.host}/all:1`;
  await copyImage(signed, all, { ...options, platforms: ["linux/amd64", "linux/arm64"], attestations: false });
  assert.ok((await verify(all, { policy, systemContext: attached })).top.allowed);
});
