/** Transparency logs and certificates, without asking anybody. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type SigstoreSignature, type SigstoreSignerTrust, verifySigstoreSignature } from "../../src/signature/room.ts";
import { encodePayload } from "../../src/signature/payload.ts";
import { digestOf } from "../../src/spec/room.ts";
import { makeCertificate, type TestCertificate, type TestCertificateOptions } from "../support/signing_certificates.ts";
import { encode, makeImage } from "../support/images.ts";
import { type LogEntry, logEntry, logPromise, signWith } from "../support/sigstore.ts";

const NAME = "registry.example/team/app:1";
const manifestDigest = digestOf(makeImage({ architecture: "amd64" }).manifest);
const EXPECTED = { manifestDigest, acceptsReference: (name: string) => name === NAME };
const PAYLOAD = encodePayload("cosign container image signature", { digest: manifestDigest, reference: NAME });
const BUNDLE = "dev.sigstore.cosign/bundle";
const EMAIL = "me@example.com";
const ISSUER = "https://issuer.example";
const HOUR = 3_600_000;

const ec = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const pemOf = (key: KeyObject) => String(key.export({ type: "spki", format: "pem" }));
const rekor = ec();
const REKOR = encode(pemOf(rekor.publicKey));

function annotate(signature: SigstoreSignature, more: Record<string, string | undefined>): SigstoreSignature {
  const annotations = Object.entries({ ...signature.annotations, ...more }).filter(([, value]) => value !== undefined);
  return { ...signature, annotations: Object.fromEntries(annotations) as Record<string, string> };
}

Deno.test("a log entry is accepted only for this signature, and from a trusted log", async () => {
  const signer = ec();
  const pem = pemOf(signer.publicKey);
  const signature = signWith(signer.privateKey, PAYLOAD);
  const at = new Date("2024-05-06T07:08:09Z");
  const trust = (...rekorPublicKeys: Uint8Array[]): SigstoreSignerTrust => ({
    kind: "keys",
    publicKeys: [encode(pem)],
    rekorPublicKeys,
  });
  const entry = logEntry(signature, pem, at);
  const logged = (change: (entry: LogEntry & { body: ReturnType<typeof body> }) => void, key = rekor.privateKey) => {
    const changed = structuredClone(entry) as LogEntry & { body: ReturnType<typeof body> };
    change(changed);
    return annotate(signature, { [BUNDLE]: logPromise(changed, key) });
  };
  const body = () =>
    entry.body as {
      kind: string;
      apiVersion: string;
      more?: 1;
      spec: Record<string, Record<string, Record<string, string> & string>>;
    };
  const same = logged(() => {});
  const accepted = await verifySigstoreSignature(same, {
    ...EXPECTED,
    trust: trust(encode(pemOf(ec().publicKey)), REKOR),
  });
  assert.deepEqual(accepted.loggedAt, at);
  // The log signed that, too.
  await verifySigstoreSignature(logged(({ body }) => body.more = 1), { ...EXPECTED, trust: trust(REKOR) });
  // Nobody asks for a log: what it says is not looked at.
  await verifySigstoreSignature(annotate(signature, { [BUNDLE]: "{" }), {
    ...EXPECTED,
    trust: { kind: "keys", publicKeys: [encode(pem)] },
  });
  const text = same.annotations[BUNDLE]!;
  const other = signWith(signer.privateKey, encode("another payload"));
  const rows: [what: string, signature: SigstoreSignature][] = [
    ["no promise", signature],
    ["another log", logged(() => {}, ec().privateKey)],
    ["another time", annotate(signature, { [BUNDLE]: text.replace(/"integratedTime":\d+/, '"integratedTime":1') })],
    ["another kind", logged(({ body }) => body.kind = "intoto")],
    ["another version", logged(({ body }) => body.apiVersion = "0.0.2")],
    ["another hash", logged(({ body }) => body.spec.data!.hash!.algorithm = "sha512")],
    ["another payload", logged(({ body }) => body.spec.data!.hash!.value = "0".repeat(64))],
    [
      "another signature",
      logged(({ body }) =>
        body.spec.signature!.content = other.annotations["dev.cosignproject.cosign/signature"] as never
      ),
    ],
    ["another key", logged(({ body }) => body.spec.signature!.publicKey!.content = btoa(pemOf(ec().publicKey)))],
    ["two keys", logged(({ body }) => body.spec.signature!.publicKey!.content = btoa(pem + pem))],
    ["negative time", logged((entry) => entry.integratedTime = -1)],
    ["time with a fraction", logged((entry) => entry.integratedTime = 1.5)],
    ["no JSON", annotate(signature, { [BUNDLE]: "{" })],
    ["a key twice", annotate(signature, { [BUNDLE]: text.replace("{", '{"Payload":{},') })],
    ["more members", annotate(signature, { [BUNDLE]: text.replace("{", '{"more":1,') })],
    ["other capitals", annotate(signature, { [BUNDLE]: text.replace("SignedEntry", "signedEntry") })],
    ["no base64", annotate(signature, { [BUNDLE]: text.replace('Timestamp":"', 'Timestamp":"%') })],
  ];
  for (const [what, changed] of rows) {
    await assert.rejects(verifySigstoreSignature(changed, { ...EXPECTED, trust: trust(REKOR) }), {
      code: "SIGNATURE_LOG_REJECTED",
    }, what);
  }
});

/** Authorities, and what a leaf of theirs signs. */
function certify(leafOptions: Partial<TestCertificateOptions> = {}, between: Partial<TestCertificateOptions> = {}) {
  const root = makeCertificate({ name: "root", ca: true });
  const middle = makeCertificate({ name: "middle", ca: true, issuer: root, ...between });
  const leaf = makeCertificate({
    name: "leaf",
    issuer: middle,
    emails: [EMAIL],
    hosts: ["build.example.com"],
    ...leafOptions,
  });
  return { root, middle, leaf, signature: certified(leaf, middle, root) };
}

function certified(leaf: TestCertificate, ...chain: TestCertificate[]): SigstoreSignature {
  return annotate(signWith(leaf.privateKey, PAYLOAD), {
    "dev.sigstore.cosign/certificate": leaf.pem,
    "dev.sigstore.cosign/chain": chain.map(({ pem }) => pem).join(""),
  });
}

Deno.test("a certificate of a private authority must be valid, for code signing, and name the required subject", async () => {
  const pki = (root: TestCertificate, over = {}): SigstoreSignerTrust => ({
    kind: "pki",
    roots: encode(root.pem),
    subjectEmail: EMAIL,
    ...over,
  });
  const check = (signature: SigstoreSignature, trust: SigstoreSignerTrust, now?: Date) =>
    verifySigstoreSignature(signature, { ...EXPECTED, trust, now });
  const { root, middle, leaf, signature } = certify();
  assert.equal((await check(signature, pki(root))).claims.reference, NAME);
  await check(signature, pki(root, { subjectHostname: "build.example.com" }));
  await check(certified(leaf), pki(root, { intermediates: encode(middle.pem) }));
  await check(certified(leaf), pki(middle));
  const silent = certify({ use: null });
  await check(silent.signature, pki(silent.root));
  const wild = certify({ hosts: ["*.example.com"] });
  await check(wild.signature, pki(wild.root, { subjectHostname: "Build.Example.com" }));

  const reject = (what: string, signature: SigstoreSignature, trust: SigstoreSignerTrust, now?: Date) =>
    assert.rejects(check(signature, trust, now), { code: "SIGNATURE_CERTIFICATE_REJECTED" }, what);
  await reject("another root", signature, pki(certify().root));
  await reject("nothing between", certified(leaf), pki(root));
  await reject("the chain's last certificate is the root", certified(leaf, middle), pki(root));
  await reject("another address", signature, pki(root, { subjectEmail: "you@example.com" }));
  await reject("another host", signature, pki(root, { subjectHostname: "example.com" }));
  await reject("a host two labels below", wild.signature, pki(wild.root, { subjectHostname: "a.b.example.com" }));
  await reject("nobody is required", signature, pki(root, { subjectEmail: undefined }));
  await reject("ended", signature, pki(root), new Date(Date.now() + 2 * HOUR));
  await reject("not begun", signature, pki(root), new Date(Date.now() - 2 * HOUR));
  await reject("no certificate", annotate(signature, { "dev.sigstore.cosign/certificate": undefined }), pki(root));
  await reject(
    "two certificates",
    annotate(signature, { "dev.sigstore.cosign/certificate": leaf.pem + leaf.pem }),
    pki(root),
  );
  await reject("no PEM", annotate(signature, { "dev.sigstore.cosign/certificate": "x" }), pki(root));
  await reject(
    "broken DER",
    annotate(signature, { "dev.sigstore.cosign/certificate": leaf.pem.replace(/^M.{20}/m, "$&AAAA") }),
    pki(root),
  );
  const rows: [what: string, made: ReturnType<typeof certify>][] = [
    ["for servers", certify({ use: "serverAuth" })],
    ["an extension that nobody knows", certify({ odd: true })],
    ["no authority between", certify({}, { ca: false })],
    ["no basic constraints", certify({}, { ca: undefined as never })],
    ["an authority for servers", certify({}, { use: "serverAuth" })],
    ["an authority that may not sign certificates", certify({}, { keyUsage: 0x80 })],
    ["an authority with name constraints", certify({}, { nameConstraints: true })],
    ["an authority that ended", certify({}, { from: new Date(0), to: new Date(1000) })],
  ];
  for (const [what, { root, signature }] of rows) await reject(what, signature, pki(root));

  const narrow = makeCertificate({ name: "root", ca: true, pathLength: 0 });
  const below = makeCertificate({ name: "middle", ca: true, issuer: narrow });
  const deep = makeCertificate({ name: "leaf", issuer: below, emails: [EMAIL] });
  await reject("more authorities than allowed", certified(deep, below, narrow), pki(narrow));
  const impostor = makeCertificate({ name: "middle", ca: true });
  const forged = makeCertificate({ name: "leaf", issuer: impostor, emails: [EMAIL] });
  await reject("an authority of the same name", certified(forged, middle, root), pki(root));

  const otherSignature = signWith(ec().privateKey, PAYLOAD).annotations["dev.cosignproject.cosign/signature"];
  const swapped = annotate(signature, { "dev.cosignproject.cosign/signature": otherSignature });
  await assert.rejects(check(swapped, pki(root)), { code: "SIGNATURE_INVALID" });
});

Deno.test("a Fulcio certificate must be valid at the time of the log entry", async () => {
  const at = new Date("2024-05-06T07:08:09Z");
  const era = { from: new Date("2020-01-01"), to: new Date("2040-01-01") };
  const minutes = { from: new Date(at.getTime() - 60_000), to: new Date(at.getTime() + 600_000) };
  const root = makeCertificate({ name: "root", ca: true, ...era });
  const middle = makeCertificate({ name: "middle", ca: true, issuer: root, use: "codeSigning", ...era });
  const trust: SigstoreSignerTrust = {
    kind: "fulcio",
    ca: encode(root.pem),
    oidcIssuer: ISSUER,
    subjectEmail: EMAIL,
    rekorPublicKeys: [REKOR],
  };
  const make = (over: Partial<TestCertificateOptions> = {}, time = at, log = rekor.privateKey) => {
    const options = { name: "", issuer: middle, emails: [EMAIL], oidcIssuer: ISSUER, oidcIssuerV2: ISSUER };
    const leaf = makeCertificate({ ...options, ...minutes, ...over });
    const signature = certified(leaf, middle, root);
    return annotate(signature, { [BUNDLE]: logPromise(logEntry(signature, leaf.pem, time), log) });
  };
  const check = (signature: SigstoreSignature, over = {}) =>
    verifySigstoreSignature(signature, { ...EXPECTED, trust: { ...trust, ...over } as SigstoreSignerTrust });
  assert.deepEqual((await check(make())).loggedAt, at);
  await check(make({ oidcIssuerV2: undefined as never }));
  await check(make({ oidcIssuer: undefined as never }));
  const later = new Date(at.getTime() + HOUR);
  const rows: [what: string, signature: SigstoreSignature, code: string, over?: object][] = [
    ["logged too late", make({}, later), "SIGNATURE_CERTIFICATE_REJECTED"],
    ["another log", make({}, at, ec().privateKey), "SIGNATURE_LOG_REJECTED"],
    ["no log", annotate(make(), { [BUNDLE]: undefined }), "SIGNATURE_LOG_REJECTED"],
    ["no keys of logs", make(), "SIGNATURE_LOG_REJECTED", { rekorPublicKeys: [] }],
    ["another's promise", annotate(make(), { [BUNDLE]: make().annotations[BUNDLE] }), "SIGNATURE_LOG_REJECTED"],
    ["another issuer", make(), "SIGNATURE_CERTIFICATE_REJECTED", { oidcIssuer: `${ISSUER}/` }],
    ["issuers that differ", make({ oidcIssuerV2: "https://x" }), "SIGNATURE_CERTIFICATE_REJECTED"],
    ["no issuer", make({ oidcIssuer: "", oidcIssuerV2: "" }), "SIGNATURE_CERTIFICATE_REJECTED"],
    ["another address", make({ emails: ["me@example.com.evil"] }), "SIGNATURE_CERTIFICATE_REJECTED"],
    ["an address as a host", make({ emails: [], hosts: [EMAIL] }), "SIGNATURE_CERTIFICATE_REJECTED"],
    ["for servers", make({ use: "serverAuth" }), "SIGNATURE_CERTIFICATE_REJECTED"],
  ];
  for (const [what, signature, code, over] of rows) await assert.rejects(check(signature, over), { code }, what);
});
