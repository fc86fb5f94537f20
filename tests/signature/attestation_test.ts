/** Attestations: statements, envelopes, bundles, and the provenance of assemblies. */
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { bytesToSign, type Envelope } from "../../src/signature/attestation/envelope.ts";
import {
  createAssemblyPredicate,
  encodeBundle,
  encodeStatement,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  parseBundle,
  parseEnvelope,
  parseStatement,
  readAssemblyPredicate,
  verifyEnvelope,
} from "../../src/signature/room.ts";
import { parseReference } from "../../src/spec/room.ts";
import { encode, makeImage } from "../support/images.ts";

const ONE = makeImage({ architecture: "amd64" }).digest, OTHER = makeImage({ architecture: "arm64" }).digest;
const TYPE = "https://example.org/predicate";
const PASSPHRASE = encode("pw");
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function makeKey() {
  const { privateKey, publicKey } = await generateSigstoreKeyPair(PASSPHRASE);
  const signer = await openSigstoreSigner(encode(privateKey), { passphrase: PASSPHRASE });
  const seal = async (payload: Uint8Array<ArrayBuffer>): Promise<Envelope> => ({
    payload,
    signatures: [(await signer.signStatement!(payload)).signature],
  });
  return { publicKey: encode(publicKey), signer, seal };
}

Deno.test("the signed bytes contain the type and the statement, each after its length in bytes", () => {
  assert.equal(decode(bytesToSign(encode("{é}"))), "DSSEv1 28 application/vnd.in-toto+json 4 {é}");
});

Deno.test("a statement names its subjects by digest", () => {
  const bytes = encodeStatement([{ name: "quay.io/me/app", digest: ONE }, { digest: OTHER }], TYPE, { a: 1 });
  const hex = (digest: string) => digest.slice("sha256:".length);
  assert.equal(
    decode(bytes),
    '{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"quay.io/me/app","digest":{"sha256":"' + hex(ONE) +
      '"}},{"digest":{"sha256":"' + hex(OTHER) + `"}}],"predicateType":"${TYPE}","predicate":{"a":1}}`,
  );
  assert.deepEqual(parseStatement(bytes).predicate, { a: 1 });
});

/** Statements that are not accepted, although the right key signed them. */
const BAD_STATEMENTS: [problem: string, change: Record<string, unknown>, code: string][] = [
  ["another type", { _type: "https://in-toto.io/Statement/v9" }, "SIGNATURE_PAYLOAD_INVALID"],
  ["no type", { _type: undefined }, "SIGNATURE_PAYLOAD_INVALID"],
  ["no predicate type", { predicateType: "" }, "SIGNATURE_PAYLOAD_INVALID"],
  ["no subject", { subject: undefined }, "SIGNATURE_PAYLOAD_INVALID"],
  ["a subject without a digest", { subject: [{ name: "app" }] }, "SIGNATURE_PAYLOAD_INVALID"],
  ["no subjects", { subject: [] }, "SIGNATURE_DIGEST_MISMATCH"],
  ["another subject", { subject: [{ digest: { sha256: OTHER.slice(7) } }] }, "SIGNATURE_DIGEST_MISMATCH"],
  ["the digest of another algorithm", { subject: [{ digest: { sha512: ONE.slice(7) } }] }, "SIGNATURE_DIGEST_MISMATCH"],
  ["the digest in another notation", { subject: [{ digest: { sha256: ONE } }] }, "SIGNATURE_DIGEST_MISMATCH"],
];

Deno.test("an attestation is accepted if a given key signed it and one of its subjects is the image", async () => {
  const key = await makeKey(), other = await makeKey();
  const statement = JSON.parse(decode(encodeStatement([{ digest: OTHER }, { digest: ONE }], TYPE, {})));
  const accept = async (change: Record<string, unknown>, keys = [key.publicKey]) =>
    await verifyEnvelope(await key.seal(encode({ ...statement, ...change })), keys, ONE);
  assert.equal((await accept({})).statement.predicateType, TYPE);
  // cosign writes the older version.
  await accept({ _type: "https://in-toto.io/Statement/v0.1" }, [other.publicKey, key.publicKey]);
  for (const [problem, change, code] of BAD_STATEMENTS) await assert.rejects(accept(change), { code }, problem);
  await assert.rejects(accept({}, [other.publicKey]), { code: "SIGNATURE_INVALID" });
  await assert.rejects(accept({}, []), { code: "SIGNATURE_INVALID" });
  await assert.rejects(accept({}, [encode("no key")]), { code: "KEY_INVALID" });
  const payload = encode(statement);
  await assert.rejects(verifyEnvelope({ payload, signatures: [] }, [key.publicKey], ONE), {
    code: "SIGNATURE_INVALID",
  });
  // A signature over the statement alone is not one of an attestation.
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicKey = encode(String(pair.publicKey.export({ type: "spki", format: "pem" })));
  const signatures = [new Uint8Array(sign("sha256", payload, pair.privateKey))];
  await assert.rejects(verifyEnvelope({ payload, signatures }, [publicKey], ONE), { code: "SIGNATURE_INVALID" });
});

Deno.test("a bundle hints at the key, and contains the signed statement", async () => {
  const { seal, signer } = await makeKey();
  const envelope = await seal(encodeStatement([{ digest: ONE }], TYPE, {}));
  const { publicKey } = await signer.signStatement!(encode(""));
  const bytes = encodeBundle(envelope, publicKey);
  const { mediaType, verificationMaterial, dsseEnvelope } = JSON.parse(decode(bytes));
  assert.equal(mediaType, "application/vnd.dev.sigstore.bundle.v0.3+json");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", publicKey));
  assert.equal(verificationMaterial.publicKey.hint, digest.toBase64());
  assert.equal(dsseEnvelope.payloadType, "application/vnd.in-toto+json");
  assert.deepEqual(parseBundle(bytes), envelope);
  assert.deepEqual(parseEnvelope(encode(dsseEnvelope)), envelope);
});

Deno.test("bundles and envelopes of an unknown format are refused", () => {
  const mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2";
  const envelope = { payloadType: "application/vnd.in-toto+json", payload: "e30=", signatures: [{ sig: "AA==" }] };
  assert.deepEqual(parseBundle(encode({ mediaType, dsseEnvelope: envelope }))?.payload, encode("{}"));
  assert.equal(parseBundle(encode({ mediaType, messageSignature: {} })), undefined);
  const refused: unknown[] = [
    "text",
    [],
    {},
    { mediaType },
    { mediaType: "application/json", dsseEnvelope: envelope },
    { mediaType, dsseEnvelope: envelope, messageSignature: {} },
    { mediaType, dsseEnvelope: { ...envelope, payloadType: "text/plain" } },
    { mediaType, dsseEnvelope: { ...envelope, payload: "e30" } },
    { mediaType, dsseEnvelope: { ...envelope, signatures: {} } },
    { mediaType, dsseEnvelope: { ...envelope, signatures: [{ sig: "?" }] } },
    { mediaType, dsseEnvelope: { ...envelope, signatures: Array(33).fill({ sig: "AA==" }) } },
    '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{},"dsseEnvelope":{}}',
  ];
  for (const bundle of refused) {
    assert.throws(() => parseBundle(encode(bundle)), { code: "SIGNATURE_FORMAT_UNKNOWN" }, JSON.stringify(bundle));
  }
});

Deno.test("the predicate of an assembly has its parameters, sources, builder and times", () => {
  const predicate = createAssemblyPredicate({
    parameters: { tags: ["quay.io/me/app:1"], sources: ["quay.io/me/app:1-amd64"] },
    internalParameters: { format: "oci" },
    sources: [{
      name: "quay.io/me/app:1-amd64",
      reference: parseReference("quay.io/me/app:1-amd64"),
      digest: ONE,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      platform: "linux/amd64",
      entries: [ONE],
    }, { name: "oci:layout", digest: OTHER, mediaType: "application/vnd.oci.image.index.v1+json", entries: [] }],
    builder: {
      id: "https://ci/1",
      invocationId: "run",
      source: { uri: "git+https://git@refs/heads/main", gitCommit: "c" },
    },
    startedOn: new Date("2026-01-02T03:04:05.678Z"),
    finishedOn: new Date("2026-01-02T03:04:09Z"),
  });
  const BUILD_TYPE = "https://jsr.io/@multiarch/manifests@0.1.0/docs/provenance.md";
  assert.deepEqual(predicate, {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: { tags: ["quay.io/me/app:1"], sources: ["quay.io/me/app:1-amd64"] },
      internalParameters: { format: "oci" },
      resolvedDependencies: [
        { uri: "git+https://git@refs/heads/main", digest: { gitCommit: "c" } },
        {
          name: "quay.io/me/app:1-amd64",
          uri: `pkg:oci/app@${ONE.replace(":", "%3A")}?arch=amd64&repository_url=quay.io%2Fme%2Fapp`,
          digest: { sha256: ONE.slice(7) },
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          annotations: { platform: "linux/amd64", entries: [ONE] },
        },
        {
          name: "oci:layout",
          digest: { sha256: OTHER.slice(7) },
          mediaType: "application/vnd.oci.image.index.v1+json",
          annotations: { entries: [] },
        },
      ],
    },
    runDetails: {
      builder: { id: "https://ci/1", version: { "@multiarch/manifests": "0.1.0" } },
      metadata: { invocationId: "run", startedOn: "2026-01-02T03:04:05Z", finishedOn: "2026-01-02T03:04:09Z" },
    },
  });
  assert.deepEqual(readAssemblyPredicate(predicate), {
    builderId: "https://ci/1",
    sources: [
      { name: "quay.io/me/app:1-amd64", digest: ONE, entries: [ONE] },
      { name: "oci:layout", digest: OTHER, entries: [] },
    ],
  });
});

Deno.test("without a known builder, neither host nor user is recorded", () => {
  const at = new Date(0);
  const make = () =>
    createAssemblyPredicate({
      parameters: {},
      internalParameters: {},
      sources: [],
      builder: {},
      startedOn: at,
      finishedOn: at,
      // deno-lint-ignore no-explicit-any -- The structure is tested above.
    }).runDetails as any;
  const { builder, metadata } = make();
  assert.equal(builder.id, "https://jsr.io/@multiarch/manifests@0.1.0/docs/provenance.md#local");
  assert.match(metadata.invocationId, /^[0-9a-f-]{36}$/);
  assert.notEqual(make().metadata.invocationId, metadata.invocationId);
});

Deno.test("provenance of another build is refused", () => {
  const at = new Date(0);
  const assembly = { parameters: {}, internalParameters: {}, sources: [], builder: {}, startedOn: at, finishedOn: at };
  const { buildDefinition, runDetails } = createAssemblyPredicate(assembly) as {
    buildDefinition: Record<string, unknown>;
    runDetails: Record<string, unknown>;
  };
  const change = (members: Record<string, unknown>) => ({
    buildDefinition: { ...buildDefinition, ...members },
    runDetails,
  });
  const refused: unknown[] = [
    undefined,
    { buildDefinition },
    { buildDefinition, runDetails: { builder: {} } },
    change({ buildType: "https://actions.github.io/buildtypes/workflow/v1" }),
    change({ resolvedDependencies: {} }),
    change({ resolvedDependencies: [{ annotations: {} }] }),
    change({
      resolvedDependencies: [{ name: "app", digest: { sha256: ONE.slice(7) }, annotations: { entries: "all" } }],
    }),
    change({ resolvedDependencies: [{ name: "app", digest: { sha256: "1" }, annotations: { entries: [] } }] }),
  ];
  for (const predicate of refused) {
    const text = JSON.stringify(predicate);
    assert.throws(() => readAssemblyPredicate(predicate), { code: "SIGNATURE_PAYLOAD_INVALID" }, text);
  }
});
