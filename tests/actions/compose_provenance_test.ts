/** `composeIndex` with provenance: what it records, when it is attached, and how it is judged. */
import assert from "node:assert/strict";
import { attestAssembly } from "../../src/actions/attestations/attest.ts";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { type Digest, getEntries, type ParsedIndex, parseManifest } from "../../src/spec/room.ts";
import { composeIndex, inspectIndex, REMOTE_RUNTIME, verifyAttestations } from "../../src/system/remote/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { ComposeWorld, images, ONE, TWO } from "../support/compose_world.ts";
import { encode, makeImage } from "../support/images.ts";

const AT = (tag: string) => `${ONE}/app:${tag}`;
const PASSPHRASE = encode("pw");

async function makeKey() {
  const { privateKey, publicKey } = await generateSigstoreKeyPair(PASSPHRASE);
  return { signer: await openSigstoreSigner(encode(privateKey), { passphrase: PASSPHRASE }), key: encode(publicKey) };
}

const OURS = await makeKey(), OTHER = await makeKey();
const { signer } = OURS;

/** Checks the provenance of an image by our key. */
function check({ systemContext }: ComposeWorld, image: string, options = {}) {
  return verifyAttestations(image, { publicKeys: [OURS.key], assembly: true, systemContext, ...options });
}

/** Returns the predicate of the only accepted provenance of an image. */
async function readPredicate(world: ComposeWorld, image: string) {
  const { allowed, attestations } = await check(world, image);
  assert.ok(allowed, JSON.stringify(attestations));
  assert.equal(attestations.length, 1);
  // deno-lint-ignore no-explicit-any -- Tests read single members.
  return attestations[0]!.predicate as any;
}

Deno.test("provenance names the parameters, the sources by digest and the builder, and precedes all names", async () => {
  const world = new ComposeWorld();
  const repository = world.repository();
  await world.push(images("amd64"));
  const built = await pushBuildKit(repository, "built", [
    { os: "linux", architecture: "arm64" },
    { os: "linux", architecture: "s390x" },
  ]);
  const source = { uri: "git+https://git.example/me/app@refs/heads/main", gitCommit: "abc" };
  const { digest } = await composeIndex({
    target: AT("1"),
    tags: ["latest"],
    sources: [AT("amd64"), { image: AT("built"), annotations: { by: "me" } }],
    platforms: ["linux/amd64", "linux/arm64"],
    annotations: { "org.example.k": "v" },
    provenance: { signer, builder: { id: "https://ci.example/1", invocationId: "run 1", source } },
    systemContext: world.systemContext,
  });
  const { buildDefinition, runDetails } = await readPredicate(world, AT("1"));
  assert.deepEqual(buildDefinition.externalParameters, {
    tags: [AT("1"), AT("latest")],
    sources: [AT("amd64"), { image: AT("built"), annotations: { by: "me" } }],
    annotations: { "org.example.k": "v" },
    platforms: ["linux/amd64", "linux/arm64"],
  });
  assert.deepEqual(buildDefinition.internalParameters, { format: "oci", flatten: true });
  const image = makeImage({ architecture: "amd64" }).digest;
  const [revision, ...dependencies] = buildDefinition.resolvedDependencies;
  assert.deepEqual(revision, { uri: source.uri, digest: { gitCommit: "abc" } });
  assert.deepEqual(
    dependencies.map(({ name, digest, annotations }: Record<string, unknown>) => [name, digest, annotations]),
    [
      [AT("amd64"), { sha256: image.slice(7) }, { platform: "linux/amd64", entries: [image] }],
      [AT("built"), { sha256: built.digest.slice(7) }, { entries: [built.images[0], built.attestations[0]] }],
    ],
  );
  assert.equal(runDetails.builder.id, "https://ci.example/1");
  assert.equal(runDetails.metadata.invocationId, "run 1");
  // The index, then its provenance, then its names.
  const [index, provenance, ...names] = world.writes;
  assert.equal(index, `PUT ${ONE}/app/manifests/${digest}`);
  assert.match(provenance!, /\/app\/manifests\/sha256:/);
  assert.deepEqual(names, [`PUT ${ONE}/app/manifests/1`, `PUT ${ONE}/app/manifests/latest`]);
});

for (const as of ["bundle", "tag"] as const) {
  Deno.test(`a repeated call attaches no other provenance: ${as}`, async () => {
    const world = new ComposeWorld();
    await world.push(images("amd64", "arm64"));
    const compose = () =>
      composeIndex({
        target: AT("1"),
        sources: [AT("amd64"), AT("arm64")],
        provenance: { signer, as },
        systemContext: world.systemContext,
      });
    await compose();
    world.requests.length = 0;
    const { unchanged } = await compose();
    assert.ok(unchanged);
    assert.deepEqual(world.requests.filter((request) => !/^(GET|HEAD) /.test(request)), []);
    assert.equal((await check(world, AT("1"))).attestations[0]?.form, as);
    const { attestations } = await inspectIndex(AT("1"), { systemContext: world.systemContext });
    assert.deepEqual(
      attestations.map(({ predicateType, form }) => [predicateType, form]),
      [["https://slsa.dev/provenance/v1", as]],
    );
  });

  Deno.test(`several registries: each repository has provenance of its own index: ${as}`, async () => {
    const world = new ComposeWorld();
    await world.push(images("amd64", "arm64"));
    await composeIndex({
      target: AT("1"),
      tags: [`${TWO}/copy:1`],
      sources: [AT("amd64"), AT("arm64")],
      provenance: { signer, as, children: true },
      systemContext: world.systemContext,
    });
    const entries = getEntries(parseManifest((await world.repository().getManifest("1")).bytes) as ParsedIndex);
    assert.equal(entries.length, 2);
    for (const path of [`${ONE}/app`, `${TWO}/copy`]) {
      for (const image of [`${path}:1`, ...entries.map(({ digest }) => `${path}@${digest}`)]) {
        assert.ok((await check(world, image)).allowed, image);
      }
    }
    // The sources had no attestation before.
    assert.equal((await check(world, `${ONE}/app@${entries[0]!.digest}`)).attestations.length, 1);
  });
}

Deno.test("converted instances are recorded by their digests in the index", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64"));
  await composeIndex({
    target: AT("docker"),
    sources: [AT("amd64"), AT("arm64")],
    manifestType: "application/vnd.docker.distribution.manifest.list.v2+json",
    provenance: { signer },
    systemContext: world.systemContext,
  });
  const { buildDefinition } = await readPredicate(world, AT("docker"));
  assert.equal(buildDefinition.internalParameters.format, "v2s2");
  const [dependency] = buildDefinition.resolvedDependencies;
  const { digest } = makeImage({ architecture: "amd64" });
  assert.equal(dependency.digest.sha256, digest.slice(7));
  assert.notEqual(dependency.annotations.entries[0], digest);
});

Deno.test("an existing index to which images are added is a source, and one that stays the same gets nothing", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64", "s390x"));
  const compose = (sources: string[], append: boolean) =>
    composeIndex({ target: AT("1"), sources, append, provenance: { signer }, systemContext: world.systemContext });
  const { digest } = await compose([AT("amd64"), AT("arm64")], false);
  await compose([AT("s390x")], true);
  const [existing, added] = (await readPredicate(world, AT("1"))).buildDefinition.resolvedDependencies;
  assert.equal(existing.digest.sha256, digest.slice(7));
  assert.equal(existing.annotations.entries.length, 2);
  assert.equal(added.name, AT("s390x"));
  world.requests.length = 0;
  await compose([AT("s390x")], true);
  assert.deepEqual(world.requests.filter((request) => !/^(GET|HEAD) /.test(request)), []);
});

Deno.test("a single image that is published itself, and a nested index, have provenance", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const { systemContext } = world;
  const common = { provenance: { signer }, systemContext };
  await composeIndex({ target: AT("single"), sources: [AT("amd64")], preferIndex: false, ...common });
  assert.ok((await check(world, AT("single"))).allowed);
  await pushBuildKit(world.repository(), "built", [{ os: "linux", architecture: "arm64" }]);
  await composeIndex({ target: AT("nested"), sources: [AT("built")], nested: true, ...common });
  assert.equal((await readPredicate(world, AT("nested"))).buildDefinition.internalParameters.flatten, false);
});

Deno.test("if provenance would hide signatures by other keys, no name is written", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const systemContext = { ...world.systemContext, dockerUseSigstoreAttachments: true };
  const compose = (tag: string, options = {}) =>
    composeIndex({ target: AT(tag), sources: [AT("amd64")], systemContext, ...options });
  for (const registryReferrersMode of ["legacy", "oci-1-1"] as const) {
    const world = new ComposeWorld();
    await world.push(images("amd64"));
    const systemContext = { ...world.systemContext, dockerUseSigstoreAttachments: true, registryReferrersMode };
    const compose = (tag: string, options = {}) =>
      composeIndex({ target: AT(tag), sources: [AT("amd64")], systemContext, ...options });
    await compose("signed", { signers: [OTHER.signer] });
    await assert.rejects(compose("refused", { provenance: { signer } }), { code: "SIGNATURES_HIDDEN" });
    assert.equal(await world.digest("refused"), undefined);
    assert.deepEqual((await check(world, AT("signed"))).attestations, []);
    await compose("tag", { provenance: { signer, as: "tag" } });
    await compose("same", { provenance: { signer: OTHER.signer } });
    // With a bundle by their key, these signatures are found whatever is attached.
    await compose("later", { provenance: { signer } });
    assert.ok((await check(world, AT("later"))).allowed);
  }
  // Both keys in one call: the signature is also made as a bundle, and only once under the tag.
  const { digest } = await compose("both", { signers: [OTHER.signer], provenance: { signer } });
  const signed = { publicKeys: [OTHER.key], predicateType: "https://sigstore.dev/cosign/sign/v1" };
  assert.ok((await check(world, AT("both"), { ...signed, assembly: false })).allowed);
  const { bytes } = await world.repository().getManifest(`${digest.replace(":", "-")}.sig`);
  assert.equal(JSON.parse(new TextDecoder().decode(bytes)).layers.length, 1);
});

/** An index with provenance that names these sources, by our key. */
async function makeIndex(describe: (entries: Digest[]) => { digest: Digest; entries: Digest[] }[]) {
  const world = new ComposeWorld();
  await world.push(images("amd64", "arm64"));
  const { systemContext } = world;
  const { digest, mediaType, manifest } = await composeIndex({
    target: AT("1"),
    sources: [AT("amd64"), AT("arm64")],
    systemContext,
  });
  const entries = getEntries(parseManifest(manifest) as ParsedIndex).map(({ digest }) => digest);
  const reference = REMOTE_RUNTIME.host.transports.parseImageName(`docker://${AT("1")}`);
  const sources = describe(entries).map((source) => ({ name: "app", mediaType, ...source }));
  const at = new Date(0);
  const builder = { id: "https://ci.example/app@refs/tags/v1" };
  const assembly = { parameters: {}, internalParameters: {}, sources, builder, startedOn: at, finishedOn: at };
  const subjects = [{ digest, mediaType, size: manifest.length }];
  await attestAssembly(REMOTE_RUNTIME, { reference, subjects, assembly }, { signer, systemContext });
  return world;
}

Deno.test("provenance is accepted only if its sources account for exactly the entries of the index", async () => {
  const other = makeImage({ architecture: "s390x" }).digest;
  const whole = await makeIndex((entries) => entries.map((digest) => ({ digest, entries: [digest] })));
  assert.ok((await check(whole, AT("1"))).allowed);
  const fewer = await makeIndex(([digest]) => [{ digest: digest!, entries: [digest!] }]);
  const more = await makeIndex((entries) => [{ digest: other, entries: [...entries, other] }]);
  const none = await makeIndex(() => []);
  for (const world of [fewer, more, none]) {
    const { allowed, attestations } = await check(world, AT("1"));
    assert.equal(allowed, false);
    assert.equal(attestations[0]?.refusal?.code, "SIGNATURE_DIGEST_MISMATCH");
    // Its signature is valid: as an attestation of any kind, it is accepted.
    assert.ok((await check(world, AT("1"), { assembly: false })).allowed);
  }
});

/** Patterns of builders, and whether they accept `https://ci.example/app@refs/tags/v1`. */
const BUILDERS: [patterns: string[], accepted: boolean][] = [
  [["https://ci.example/app@refs/tags/v1"], true],
  [["https://ci.example/app@refs/tags/*"], true],
  [["https://*/app@refs/*/v1"], true],
  [["https://other.example/*", "*"], true],
  [["https://ci.example/app@refs/tags/v1*1"], false],
  [["https://ci.example/app@refs/heads/*"], false],
  [["https://ci.example/app"], false],
  [["*refs/tags"], false],
  [[], false],
];

Deno.test("provenance is accepted only of accepted builders, keys and types", async () => {
  const world = await makeIndex((entries) => entries.map((digest) => ({ digest, entries: [digest] })));
  for (const [builderIds, accepted] of BUILDERS) {
    const { allowed, attestations } = await check(world, AT("1"), { builderIds });
    assert.equal(allowed, accepted, String(builderIds));
    if (!accepted) assert.equal(attestations[0]?.refusal?.code, "SIGNATURE_IDENTITY_MISMATCH");
  }
  const byOther = await check(world, AT("1"), { publicKeys: [OTHER.key] });
  assert.equal(byOther.attestations[0]?.refusal?.code, "SIGNATURE_INVALID");
  assert.equal(byOther.attestations[0]?.predicate, undefined);
  assert.ok((await check(world, AT("1"), { publicKeys: [OTHER.key, OURS.key] })).allowed);
  const ofAnotherType = await check(world, AT("1"), { predicateType: "https://spdx.dev/Document" });
  assert.deepEqual(ofAnotherType.attestations, []);
  assert.equal(ofAnotherType.allowed, false);
});

Deno.test("attestations that several writers attach at once under a tag are all kept", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const keys = [OURS, OTHER, await makeKey()];
  await Promise.all(keys.map(({ signer }, i) =>
    composeIndex({
      target: AT(`${i}`),
      sources: [AT("amd64")],
      provenance: { signer, as: "tag" },
      systemContext: world.systemContext,
    })
  ));
  for (const { key } of keys) assert.ok((await check(world, AT("1"), { publicKeys: [key], assembly: false })).allowed);
});

Deno.test("options that provenance cannot describe, and signers of the wrong kind, are refused before any write", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const common = { target: AT("1"), sources: [AT("amd64")], systemContext: world.systemContext };
  await assert.rejects(composeIndex({ ...common, addCompression: ["zstd"], provenance: { signer } }), TypeError);
  const { signStatement: _, ...unable } = signer;
  await assert.rejects(composeIndex({ ...common, provenance: { signer: unable } }), { code: "SIGNING_UNAVAILABLE" });
  assert.deepEqual(world.writes, []);
});
