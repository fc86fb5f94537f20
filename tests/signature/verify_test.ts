/** Whether an image may be believed: our answer, and that skopeo gives the same. */
import assert from "node:assert/strict";
import {
  createPolicy,
  createSignaturePolicy,
  createSimpleSigner,
  encodeSignature,
  evaluatePolicy,
  generateSigstoreKeyPair,
  openPgpKey,
  openSigstoreSigner,
  type PolicyDecision,
  PolicyRejectedError,
  type Signature,
} from "../../src/signature/room.ts";
import { digestOf, ManifestsError, parseReference } from "../../src/spec/room.ts";
import { makeGpgHome } from "../support/gpg.ts";
import { encode, makeImage } from "../support/images.ts";
import { exec, peerTest } from "../support/peers.ts";

const image = makeImage({ architecture: "amd64" });
const { manifest } = image;
const NAME = "registry.example/team/app:1";
const PASSPHRASE = encode("s3cret");
const MISSING = "A signature was required, but no signature exists";

function decide(signatures: readonly Signature[], over: Partial<PolicyDecision> = {}): PolicyDecision {
  return {
    transport: "docker",
    identity: NAME,
    namespaces: ["registry.example/team/app", "registry.example"],
    digest: digestOf(manifest),
    dockerReference: parseReference(NAME),
    image: `docker://${NAME}`,
    manifest,
    readSignatures: () => Promise.resolve(signatures),
    ...over,
  };
}

const base64 = (bytes: Uint8Array | string) => (typeof bytes === "string" ? encode(bytes) : bytes).toBase64();

peerTest("skopeo accepts and refuses the same signatures, for the same reasons", ["gpg", "skopeo"], async () => {
  await using home = await makeGpgHome();
  const [one, two, three] = await Promise.all(["one", "two", "three"].map((name) => home.makeKey(name)));
  const keys = new Map<string, Uint8Array>();
  for (const key of [one!, two!, three!]) keys.set(key, await home.exportKeys(key));
  const sign = async (key: string, name = NAME) =>
    await createSimpleSigner(await openPgpKey(await home.exportSecret(key))).sign(manifest, parseReference(name));
  const by = (key: string, dockerReference = NAME) => ({
    type: "signedBy",
    keyType: "GPGKeys",
    keyData: base64(keys.get(key)!),
    signedIdentity: { type: "exactReference", dockerReference },
  });
  const [s1, s2, other] = [await sign(one!), await sign(two!), await sign(one!, "registry.example/other:1")];
  const both = base64(new Uint8Array([...keys.get(two!)!, ...keys.get(three!)!]));
  const any = { type: "insecureAcceptAnything" };
  const rows: [requirements: unknown[], signatures: Signature[], code?: string][] = [
    [[any], []],
    [[{ type: "reject" }], [s1], "POLICY_REJECTED"],
    [[by(one!)], [s1]],
    [[by(one!)], [], "SIGNATURE_MISSING"],
    [[by(one!)], [s2], "SIGNATURE_KEY_UNKNOWN"],
    [[by(one!)], [s2, s1]],
    [[by(one!)], [other], "SIGNATURE_IDENTITY_MISMATCH"],
    [[by(one!)], [other, s2], "SIGNATURE_IDENTITY_MISMATCH"],
    [[by(one!), by(two!)], [s1, s2]],
    [[by(one!), by(two!)], [s1], "SIGNATURE_KEY_UNKNOWN"],
    [[any, { type: "reject" }], [s1], "POLICY_REJECTED"],
    [[any, by(three!)], [s1, s2], "SIGNATURE_KEY_UNKNOWN"],
    [[{ ...by(one!), keyData: both }], [s2]],
    [[{ ...by(one!), keyData: both }], [s1], "SIGNATURE_KEY_UNKNOWN"],
    [[{ ...by(one!), keyData: "" }], [s1], "KEY_INVALID"],
    [[{ ...by(one!), keyData: base64("nonsense") }], [s1], "KEY_INVALID"],
    [[{ ...by(one!), keyType: "signedByGPGKeys" }], [s1], "POLICY_NOT_SUPPORTED"],
    // A place without names satisfies nothing but exact ones.
    [[{ ...by(one!), signedIdentity: { type: "matchRepository" } }], [s1], "SIGNATURE_IDENTITY_MISMATCH"],
    [[{ type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } }], [s1], "POLICY_NOT_SUPPORTED"],
    [[{ type: "sigstoreSigned", keyData: base64("x") }], [s1], "SIGNATURE_MISSING"],
  ];
  for (const [i, [requirements, signatures, code]] of rows.entries()) {
    const document = { default: requirements };
    const verdict = await evaluatePolicy(decide(signatures, { dockerReference: undefined }), createPolicy(document));
    assert.equal(verdict.allowed, code === undefined, `row ${i}`);
    assert.equal(verdict.reasons[0]?.code, code, `row ${i}: ${verdict.reasons[0]?.reason}`);
    const stderr = await skopeoCopies(home.folder, document, signatures);
    assert.equal(/Source image rejected/.test(stderr), code !== undefined, `row ${i}: ${stderr}`);
    if (/MISSING|REJECTED|MISMATCH/.test(code ?? "") && signatures.length < 2) {
      const words = (text: string) => text.replaceAll(/[\\"]/g, "").replace(/(docker|dir):\S+/, "IMAGE");
      const ours = words(verdict.reasons[0]!.reason).replace(/ \(.*/, "");
      assert.ok(words(stderr).includes(ours), `row ${i}: ${ours}: ${stderr}`);
    }
  }
});

/** Has skopeo copy the image with these signatures under that policy; returns what it complains about. */
async function skopeoCopies(folder: string, policy: unknown, signatures: readonly Signature[]): Promise<string> {
  const from = `${folder}/image`;
  await Deno.remove(from, { recursive: true }).catch(() => {});
  await Deno.mkdir(from);
  await Deno.writeTextFile(`${from}/version`, "Directory Transport Version: 1.1\n");
  await Deno.writeFile(`${from}/manifest.json`, manifest);
  for (const { descriptor, bytes } of image.blobs) await Deno.writeFile(`${from}/${descriptor.digest.slice(7)}`, bytes);
  for (const [i, signature] of signatures.entries()) {
    await Deno.writeFile(`${from}/signature-${i + 1}`, encodeSignature(signature));
  }
  await Deno.writeTextFile(`${folder}/policy.json`, JSON.stringify(policy));
  const args = ["--policy", `${folder}/policy.json`, "copy", `dir:${from}`, `dir:${folder}/copy`];
  const { code, stderr } = await exec(["skopeo", ...args]);
  if (code !== 0 && !/Source image rejected/.test(stderr)) throw new Error(stderr);
  return stderr;
}

Deno.test("a verdict names each requirement, the signature that met it, or the reason for the refusal", async () => {
  const pair = await generateSigstoreKeyPair(PASSPHRASE);
  const other = await generateSigstoreKeyPair(PASSPHRASE);
  const sign = async (key: string, name: string) =>
    await (await openSigstoreSigner(encode(key), { passphrase: PASSPHRASE })).sign(manifest, parseReference(name));
  const [mine, theirs] = [await sign(pair.privateKey, NAME), await sign(other.privateKey, NAME)];
  const elsewhere = await sign(pair.privateKey, "registry.example/team/app:2");
  const attestation: Signature = { kind: "sigstore", mediaType: "other", payload: encode("{}"), annotations: {} };
  const simple: Signature = { kind: "simple", bytes: new Uint8Array([0xa3]) };
  const requirement = (over = {}) => ({ type: "sigstoreSigned", keyData: base64(pair.publicKey), ...over });
  const policy = (over = {}) => createPolicy({ default: [requirement(over)] });

  const accepted = await evaluatePolicy(decide([theirs, mine]), policy());
  assert.deepEqual([accepted.allowed, accepted.signed, accepted.reasons], [true, true, []]);
  const [first, second] = accepted.requirements[0]!.signatures;
  assert.ok(first && !first.accepted && first.refusal.code === "SIGNATURE_INVALID");
  assert.ok(second?.accepted && second.verified.claims.reference === NAME);

  const rows: [signatures: Signature[], reason: string, over?: object][] = [
    [[], MISSING],
    [[attestation, simple], `${MISSING} (1 non-sigstore signatures, 1 sigstore non-signature attachments)`],
    [[theirs], "cryptographic signature verification failed"],
    [[elsewhere], 'Signature for identity "registry.example/team/app:2" is not accepted'],
    [
      [theirs, elsewhere],
      "None of the signatures were accepted, reasons: cryptographic signature verification failed; " +
      'Signature for identity "registry.example/team/app:2" is not accepted',
    ],
  ];
  for (const [signatures, reason, over] of rows) {
    const verdict = await evaluatePolicy(decide(signatures), policy(over));
    assert.deepEqual([verdict.allowed, verdict.reasons[0]?.reason], [false, reason]);
  }
  assert.equal(
    (await evaluatePolicy(decide([elsewhere]), policy({ signedIdentity: { type: "matchRepository" } }))).allowed,
    true,
  );
  assert.equal((await evaluatePolicy(decide([mine], { manifest: undefined }), policy())).allowed, false);
  assert.equal((await evaluatePolicy(decide([mine], { readSignatures: undefined }), policy())).allowed, false);
});

Deno.test("nothing is accepted by accident", async () => {
  const empty = { default: [], transports: new Map() };
  const unknown = { default: [{ type: "somethingNew" }], transports: new Map() };
  const unread = createPolicy({ default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/key" }] });
  const simple: Signature = { kind: "simple", bytes: new Uint8Array([0xa3]) };
  for (const policy of [empty, unknown as never, unread]) {
    assert.equal((await evaluatePolicy(decide([simple]), policy)).allowed, false);
    await assert.rejects(createSignaturePolicy(policy).assertAllowed(decide([simple])), { code: "POLICY_REJECTED" });
  }
  // A failure during the evaluation is an error, not a verdict.
  const fails = (error: Error) => () => Promise.reject(error);
  const unreadable = new ManifestsError("REGISTRY_ERROR", "Cannot read signatures");
  await assert.rejects(evaluatePolicy(decide([], { readSignatures: fails(unreadable) }), unread), {
    code: "REGISTRY_ERROR",
  });
  await assert.rejects(
    evaluatePolicy(decide([simple]), unread, { readFile: fails(new TypeError("defect")) }),
    TypeError,
  );
  const { reasons } = await evaluatePolicy(decide([simple]), unread, {
    readFile: fails(new ManifestsError("CONFIG_FILE_UNREADABLE", "Cannot read /key: no such file")),
  });
  assert.equal(reasons[0]?.code, "CONFIG_FILE_UNREADABLE");
  const aborted = AbortSignal.abort(new Error("enough"));
  await assert.rejects(evaluatePolicy(decide([]), unread, { signal: aborted }), { message: "enough" });
});

Deno.test("a manifest is evaluated only if it is the one that was asked for", async () => {
  const policy = createPolicy({ default: [{ type: "insecureAcceptAnything" }] });
  const elsewhere = digestOf(encode("other"));
  const asked = parseReference("registry.example/team/app").withDigest(elsewhere);
  await assert.rejects(evaluatePolicy(decide([], { digest: elsewhere }), policy), { code: "DIGEST_MISMATCH" });
  await assert.rejects(evaluatePolicy(decide([], { dockerReference: asked }), policy), { code: "DIGEST_MISMATCH" });
});

Deno.test("files and signatures are read once, and only if they are needed", async () => {
  const reads: string[] = [];
  const readSignatures = () => (reads.push("signatures"), Promise.resolve([mine, mine]));
  const pair = await generateSigstoreKeyPair(PASSPHRASE);
  const signer = await openSigstoreSigner(encode(pair.privateKey), { passphrase: PASSPHRASE });
  const mine = await signer.sign(manifest, parseReference("registry.example/other:1"));
  const readFile = (path: string) => (reads.push(path), Promise.resolve(encode(pair.publicKey)));
  const requirement = { type: "sigstoreSigned", keyPath: "/key" };
  const any = { type: "insecureAcceptAnything" };
  await evaluatePolicy(decide([], { readSignatures }), createPolicy({ default: [any] }), { readFile });
  assert.deepEqual(reads, []);
  await evaluatePolicy(decide([], { readSignatures }), createPolicy({ default: [any, requirement, requirement] }), {
    readFile,
  });
  assert.deepEqual(reads, ["signatures", "/key"]);
});

Deno.test("a policy for copies throws its verdict, and can require signatures", async () => {
  const any = createPolicy({ default: [{ type: "insecureAcceptAnything" }] });
  await createSignaturePolicy(any).assertAllowed(decide([]));
  const strict = createSignaturePolicy(any, { requireSigned: true });
  await assert.rejects(strict.assertAllowed(decide([])), (error) => {
    assert.ok(error instanceof PolicyRejectedError);
    assert.equal(error.code, "POLICY_REJECTED");
    assert.equal(error.verdict.reasons[0]?.code, "SIGNATURE_MISSING");
    return true;
  });
  const reject = createSignaturePolicy(createPolicy({ default: [{ type: "reject" }] }));
  await assert.rejects(reject.assertAllowed(decide([])), {
    message:
      `Cannot use docker://${NAME}: Source image rejected: Running image docker://${NAME} is rejected by policy.`,
  });
});
