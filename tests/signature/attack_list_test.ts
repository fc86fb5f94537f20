/**
 * The list of attacks on signatures and policies that the module must withstand, in its order: what is tried, and the
 * code with which it is refused. Those with OpenPGP messages (16 to 22) are in `attacks_test.ts`, those from registries and
 * disks (14, 15, 24 to 28, 33) in `../faults/signature_attacks_test.ts`.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
  chooseScope,
  createPolicy,
  evaluatePolicy,
  type EvaluatePolicyOptions,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  parsePolicy,
  parseSignature,
  type PolicyDecision,
  type SigstoreSignature,
} from "../../src/signature/room.ts";
import { digestOf, parseReference } from "../../src/spec/room.ts";
import { encode, makeImage } from "../support/images.ts";
import { encryptedKey, logEntry, logPromise, signWith } from "../support/sigstore.ts";

const { manifest } = makeImage({ architecture: "amd64" });
const other = makeImage({ architecture: "arm64" });
const DIGEST = digestOf(manifest);
const NAME = "registry.example/team/app:1";
const SIGNATURE = "dev.cosignproject.cosign/signature";
const BUNDLE = "dev.sigstore.cosign/bundle";
const TYPE = '"type":"cosign container image signature"';
const IMAGE = `"image":{"docker-manifest-digest":"${DIGEST}"}`;
const IDENTITY = `"identity":{"docker-reference":"${NAME}"}`;
const payload = (critical = `${TYPE},${IMAGE},${IDENTITY}`, optional = "{}") =>
  `{"critical":{${critical}},"optional":${optional}}`;
const named = (name: string) => payload(`${TYPE},${IMAGE},"identity":{"docker-reference":${JSON.stringify(name)}}`);
const digested = (digest: string) => payload(`${TYPE},${IDENTITY},"image":{"docker-manifest-digest":"${digest}"}`);

const ec = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const pemOf = ({ publicKey }: ReturnType<typeof ec>) => String(publicKey.export({ type: "spki", format: "pem" }));
const [mine, theirs, log] = [ec(), ec(), ec()];
const REJECT = '[{"type":"reject"}]';

/** Signs any text. */
const sign = (text: string, key = mine) => signWith(key.privateKey, encode(text));
const annotated = (annotations: Record<string, string>, signature = sign(payload())): SigstoreSignature => ({
  ...signature,
  annotations,
});
const raw = (signature = sign(payload())) => Uint8Array.fromBase64(signature.annotations[SIGNATURE]!);
const rawly = (...bytes: number[]) => annotated({ [SIGNATURE]: new Uint8Array(bytes).toBase64() });

/** Evaluates a policy that requires a signature by our key; throws an error with the code of the refusal. */
async function judge(
  signature: SigstoreSignature,
  over: Partial<PolicyDecision> = {},
  requirement: Record<string, unknown> = {},
  options: EvaluatePolicyOptions = {},
): Promise<void> {
  const policy = createPolicy({ default: [{ type: "sigstoreSigned", keyData: btoa(pemOf(mine)), ...requirement }] });
  const decision: PolicyDecision = {
    transport: "docker",
    identity: NAME,
    namespaces: ["registry.example"],
    dockerReference: parseReference(NAME),
    digest: DIGEST,
    manifest,
    readSignatures: () => Promise.resolve([signature]),
    ...over,
  };
  const { allowed, reasons } = await evaluatePolicy(decision, policy, options);
  if (!allowed) throw Object.assign(new Error(reasons[0]?.reason), { code: reasons[0]?.code });
}

/** Judges a signature that has a log's promise for another one, or for one by another key. */
function judgeLogged(logged: SigstoreSignature, key = mine): Promise<void> {
  const signature = sign(payload());
  const promise = logPromise(logEntry(logged, pemOf(key), new Date()), log.privateKey);
  const annotations = { ...signature.annotations, [BUNDLE]: promise };
  return judge(annotated(annotations, signature), {}, { rekorPublicKeyData: btoa(pemOf(log)) });
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A signature whose base64 has a padding. */
function padded(): { signature: SigstoreSignature; text: string } {
  for (let time = 0;; time++) {
    const signature = sign(payload(undefined, `{"timestamp":${time}}`));
    const text = signature.annotations[SIGNATURE]!;
    if (text.endsWith("=")) return { signature, text };
  }
}

/** Content of an encrypted private key. */
interface Box {
  kdf: { name: string; params: Record<"N" | "r", number> };
  cipher: { name: string; nonce: string };
}

/** Opens a private key in whose file something was changed. */
async function openChanged(change: (box: Box) => void): Promise<void> {
  const { privateKey } = await generateSigstoreKeyPair(encode("pw"));
  const box: Box = JSON.parse(atob(privateKey.replace(/-----[^-]+-----|\n/g, "")));
  change(box);
  const type = "ENCRYPTED COSIGN PRIVATE KEY";
  const pem = `-----BEGIN ${type}-----\n${btoa(JSON.stringify(box))}\n-----END ${type}-----\n`;
  await openSigstoreSigner(encode(pem), { passphrase: encode("pw") });
}

/** Number in the list, description, and the code of the refusal; `undefined` if the signature is accepted. */
type Attack = [number: number, what: string, code: string | undefined, run: () => unknown];

const PAYLOAD = "SIGNATURE_PAYLOAD_INVALID";
const IDENTITY_CODE = "SIGNATURE_IDENTITY_MISMATCH";

const ATTACKS: Attack[] = [
  [0, "nothing", undefined, () => judge(sign(payload()))],
  [
    1,
    "a key twice in a policy",
    "POLICY_INVALID",
    () => parsePolicy(encode(`{"default":${REJECT},"default":[{"type":"insecureAcceptAnything"}]}`), "p"),
  ],
  [
    1,
    "a key twice in a policy, once in escapes",
    "POLICY_INVALID",
    () => parsePolicy(encode(`{"default":${REJECT},"\\u0064efault":[{"type":"insecureAcceptAnything"}]}`), "p"),
  ],
  [1, "a key twice in what is critical", PAYLOAD, () => judge(sign(payload(`${TYPE},${IMAGE},${IMAGE},${IDENTITY}`)))],
  [
    1,
    "a key twice at the top, once in escapes",
    PAYLOAD,
    () => judge(sign(payload().replace('"optional"', '"cr\\u0069tical":{},"optional"'))),
  ],
  [
    2,
    "a key twice deep inside of what nobody knows",
    PAYLOAD,
    () => judge(sign(payload(undefined, '{"x":{"a":{"b":1,"b":2}}}'))),
  ],
  [3, "keys in another case", PAYLOAD, () => judge(sign(payload().replace("critical", "Critical")))],
  [3, "keys in another case in a policy", "POLICY_INVALID", () => parsePolicy(encode(`{"Default":${REJECT}}`), "p")],
  ...["{}", "\0", " x", "]"].map((tail): Attack => [
    4,
    `${JSON.stringify(tail)} after the payload`,
    PAYLOAD,
    () => judge(sign(payload() + tail)),
  ]),
  [4, "a byte order mark", PAYLOAD, () => judge(sign(`\ufeff${payload()}`))],
  [
    5,
    "the type of the other kind",
    PAYLOAD,
    () => judge(sign(payload().replace("cosign container image", "atomic container"))),
  ],
  [5, "a type of null", PAYLOAD, () => judge(sign(payload(`"type":null,${IMAGE},${IDENTITY}`)))],
  [5, "no type", PAYLOAD, () => judge(sign(payload(`${IMAGE},${IDENTITY}`)))],
  [5, "a member too many", PAYLOAD, () => judge(sign(payload(`${TYPE},${IMAGE},${IDENTITY},"x":1`)))],
  [
    6,
    "arrays in arrays in a payload",
    PAYLOAD,
    () => judge(sign(payload(undefined, `{"x":${"[".repeat(5000)}${"]".repeat(5000)}}`))),
  ],
  [
    6,
    "arrays in arrays in a policy",
    "POLICY_INVALID",
    () => parsePolicy(encode(`{"default":${"[".repeat(5000)}${"]".repeat(5000)}}`), "p"),
  ],
  [
    7,
    "a prototype among the members",
    PAYLOAD,
    () => judge(sign(payload(`${TYPE},${IMAGE},${IDENTITY},"__proto__":{}`))),
  ],
  [
    7,
    "a signature that only a prototype has",
    "SIGNATURE_INVALID",
    () => judge(annotated(Object.create(sign(payload()).annotations))),
  ],
  [7, "a scope that objects have", undefined, () => {
    const accept = [{ type: "insecureAcceptAnything" }];
    const policy = createPolicy({ default: [{ type: "reject" }], transports: { docker: { __proto__: accept } } });
    const { requirements } = chooseScope(policy, { transport: "docker", identity: "constructor", namespaces: [] });
    assert.equal(requirements[0]?.type, "reject");
  }],
  [
    8,
    "a payload that is not JSON, before the signature is verified",
    "SIGNATURE_INVALID",
    () => judge(sign("{", theirs)),
  ],
  ...["registry.example/team/app:2", "registry.example/team/other:1", "other.example/team/app:1", "app:1"].map((
    name,
  ): Attack => [9, `the name ${name}`, IDENTITY_CODE, () => judge(sign(named(name)))]),
  [
    9,
    "a name that is short for the same",
    undefined,
    () => judge(sign(named("busybox:1")), { dockerReference: parseReference("docker.io/library/busybox:1") }),
  ],
  ...["registry.example/team/аpp:1", "Registry.example/Team/app:1", "registry.example/team/../team/app:1"].concat(
    ["registry.example//team/app:1", "registry.example/team/app:1 ", "registry.example/team/app:1\0", ""],
  ).map((name): Attack => [
    10,
    `the name ${JSON.stringify(name)}`,
    IDENTITY_CODE,
    () => judge(sign(named(name))),
  ]),
  ...["md5:d41d8cd98f00b204e9800998ecf8427e", DIGEST.slice(0, -1), DIGEST.toUpperCase(), `${DIGEST} `].map((
    digest,
  ): Attack => [11, `the digest ${digest}`, PAYLOAD, () => judge(sign(digested(digest)))]),
  [
    11,
    "a digest of another algorithm",
    "SIGNATURE_DIGEST_MISMATCH",
    () => judge(sign(digested(digestOf(manifest, "sha512")))),
  ],
  [
    12,
    "a manifest that is not the one of the digest",
    "DIGEST_MISMATCH",
    () => judge(sign(payload()), { manifest: other.manifest }),
  ],
  [
    12,
    "a manifest that is not the one of the name",
    "DIGEST_MISMATCH",
    () =>
      judge(sign(payload()), { dockerReference: parseReference("registry.example/team/app").withDigest(other.digest) }),
  ],
  [13, "the signature of another manifest", "SIGNATURE_DIGEST_MISMATCH", () => judge(sign(digested(other.digest)))],
  [
    14,
    "no signature",
    "SIGNATURE_MISSING",
    () => judge(sign(payload()), { readSignatures: () => Promise.resolve([]) }),
  ],
  [
    23,
    "an unreadable key next to a valid one",
    "KEY_INVALID",
    () => judge(sign(payload()), {}, { keyData: undefined, keyDatas: [btoa(pemOf(mine)), btoa("nonsense")] }),
  ],
  [24, "a signature above 4 MiB", "LIMIT_EXCEEDED", () => parseSignature(new Uint8Array(4 * 1024 * 1024 + 1))],
  [
    24,
    "a payload above 64 KiB",
    "LIMIT_EXCEEDED",
    () => judge(sign(payload(undefined, `{"x":"${"x".repeat(64 * 1024)}"}`))),
  ],
  [28, "an annotation too few", "SIGNATURE_INVALID", () => judge(annotated({}))],
  [
    28,
    "an attachment of another type",
    "SIGNATURE_MISSING",
    () => judge({ ...sign(payload()), mediaType: "application/json" }),
  ],
  ...["\n", " ", "=", "-_"].map((tail): Attack => [
    29,
    `${JSON.stringify(tail)} after the base64`,
    "SIGNATURE_INVALID",
    () => judge(annotated({ [SIGNATURE]: sign(payload()).annotations[SIGNATURE]! + tail })),
  ]),
  [29, "base64 without its padding", "SIGNATURE_INVALID", () => {
    const { signature, text } = padded();
    return judge(annotated({ [SIGNATURE]: text.replaceAll("=", "") }, signature));
  }],
  [29, "base64 with bits to spare", "SIGNATURE_INVALID", () => {
    const { signature, text } = padded();
    const last = /.(?==+$)/;
    const spare = text.replace(last, (letter) => BASE64[BASE64.indexOf(letter) + 1]!);
    return judge(annotated({ [SIGNATURE]: spare }, signature));
  }],
  [29, "a byte after the signature", "SIGNATURE_INVALID", () => judge(rawly(...raw(), 0))],
  [29, "a signature of zeros", "SIGNATURE_INVALID", () => judge(rawly(0x30, 6, 2, 1, 0, 2, 1, 0))],
  [29, "two numbers of the wrong size", "SIGNATURE_INVALID", () => judge(rawly(...new Uint8Array(63)))],
  [29, "two numbers that are zero", "SIGNATURE_INVALID", () => judge(rawly(...new Uint8Array(64)))],
  [29, "a log's promise", undefined, () => judgeLogged(sign(payload()))],
  [29, "a log's promise for another signature", "SIGNATURE_LOG_REJECTED", () => judgeLogged(sign(payload(), theirs))],
  [29, "a log's promise for another payload", "SIGNATURE_LOG_REJECTED", () => judgeLogged(sign(named("a.b/c:1")))],
  [29, "a log's promise for another key", "SIGNATURE_LOG_REJECTED", () => judgeLogged(sign(payload()), theirs)],
  [30, "a private key", undefined, () => openChanged(() => {})],
  [
    30,
    "a private key that requires much memory",
    "KEY_INVALID",
    () => openChanged((box) => box.kdf.params.N = 2 ** 30),
  ],
  [30, "a private key that requires large blocks", "KEY_INVALID", () => openChanged((box) => box.kdf.params.r = 1024)],
  [30, "a private key of another derivation", "KEY_INVALID", () => openChanged((box) => box.kdf.name = "none")],
  [30, "a private key of another cipher", "KEY_INVALID", () => openChanged((box) => box.cipher.name = "none")],
  [30, "a private key with a short nonce", "KEY_INVALID", () => openChanged((box) => box.cipher.nonce = btoa("short"))],
  [
    30,
    "a private key that is none",
    "KEY_INVALID",
    async () =>
      await openSigstoreSigner(await encryptedKey(encode("no key"), encode("pw")), { passphrase: encode("pw") }),
  ],
  [31, "a key file that changes between two signatures", "SIGNATURE_INVALID", async () => {
    const files = [pemOf(theirs), pemOf(mine)];
    const readFile = () => Promise.resolve(encode(files.shift() ?? pemOf(mine)));
    const requirement = { keyData: undefined, keyPath: "/key" };
    const readSignatures = () => Promise.resolve([sign(payload()), sign(payload())]);
    await judge(sign(payload()), { readSignatures }, requirement, { readFile });
  }],
  [
    32,
    "a signature for another tag of the same image",
    IDENTITY_CODE,
    () => judge(sign(payload()), { dockerReference: parseReference("registry.example/team/app:2") }),
  ],
  [
    32,
    "… which a policy may allow",
    undefined,
    () =>
      judge(sign(payload()), { dockerReference: parseReference("registry.example/team/app:2") }, {
        signedIdentity: { type: "matchRepository" },
      }),
  ],
];

for (const [number, what, code, run] of ATTACKS) {
  Deno.test(`attack ${number}: ${what}: ${code ?? "no error"}`, async () => {
    const trying = async () => await run();
    if (code === undefined) await trying();
    else await assert.rejects(trying, { code });
  });
}
