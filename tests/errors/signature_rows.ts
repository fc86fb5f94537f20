/** Errors of keys, sigstore signatures and policies. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { copyImage, loadPolicy } from "../../mod.ts";
import { encodePayload } from "../../src/signature/payload.ts";
import { openGpgKey } from "../../src/signature/gpg/mod.ts";
import { openSignersWith } from "../../src/signature/files/room.ts";
import {
  createPolicy,
  createSignaturePolicy,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  type SigstoreSignature,
  type SigstoreSignerTrust,
  verifySigstoreSignature,
} from "../../src/signature/mod.ts";
import { parseReference } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";
import { serve } from "../support/registries.ts";
import { makeCertificate } from "../support/signing_certificates.ts";
import { signWith } from "../support/sigstore.ts";
import { type ErrorRows, IMAGE, MISSING, NAME } from "./world.ts";

const PASSPHRASE = encode("passphrase");
const COSIGN = "cosign container image signature";
const KEYS = generateKeyPairSync("ec", { namedCurve: "P-256" });
const CLAIMS = { digest: IMAGE.digest, reference: NAME };

const pemOf = (key: KeyObject) => encode(String(key.export({ type: "spki", format: "pem" })));
const PUBLIC = pemOf(KEYS.publicKey);

/** A signature that claims this. */
function sign(claims: Partial<typeof CLAIMS> = {}): SigstoreSignature {
  return signWith(KEYS.privateKey, encodePayload(COSIGN, { ...CLAIMS, ...claims }));
}

/** Verifies a signature of the image `app:amd64`. */
async function check(signature: SigstoreSignature, trust?: SigstoreSignerTrust): Promise<void> {
  await verifySigstoreSignature(signature, {
    trust: trust ?? { kind: "keys", publicKeys: [PUBLIC] },
    manifestDigest: IMAGE.digest,
    acceptsReference: (name) => name === NAME,
  });
}

/** Opens a new private key with a passphrase. */
async function open(passphrase?: Uint8Array<ArrayBuffer>, more = {}): Promise<void> {
  const { privateKey } = await generateSigstoreKeyPair(PASSPHRASE);
  await using signer = await openSigstoreSigner(encode(privateKey), { passphrase, ...more });
  await signer.sign(IMAGE.manifest, parseReference(NAME));
}

const REQUIRED = { type: "sigstoreSigned", keyData: PUBLIC.toBase64() };

export const SIGNATURE_ROWS: ErrorRows = {
  KEY_INVALID: async ({ write }) => {
    const file = await write("text.key", "This is not a key.");
    await openSignersWith({ signBySigstorePrivateKeyFile: file, signSigstorePrivateKeyPassphrase: PASSPHRASE });
  },
  KEY_UNKNOWN: ({ gpg }) => openGpgKey("nobody@example.com", { homedir: gpg.folder }),
  PASSPHRASE_REQUIRED: () => open(undefined, { keyFile: "sign.key" }),
  PASSPHRASE_WRONG: () => open(encode("other"), { keyFile: "sign.key" }),
  SIGNING_FAILED: async () => {
    await using log = serve(() => Response.json({ code: 500, message: "the log is full" }, { status: 500 }));
    await open(PASSPHRASE, { rekor: { url: `http://${log.host}` } });
  },

  POLICY_INVALID: async ({ write }) => {
    await loadPolicy({ signaturePolicyPath: await write("policy.json", '{"default": [{"type": "trust"}]}') });
  },
  POLICY_MISSING: ({ folder }) => loadPolicy({ signaturePolicyPath: `${folder}/missing-policy.json` }),
  POLICY_NOT_SUPPORTED: ({ refusal }) =>
    refusal(createPolicy({ default: [{ type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } }] })),
  POLICY_REJECTED: ({ systemContext, folder }) => {
    const signaturePolicy = createSignaturePolicy(createPolicy({ default: [REQUIRED] }));
    return copyImage(`docker://${NAME}`, `dir:${folder}/rejected`, { systemContext, signaturePolicy });
  },
  SIGNATURE_MISSING: ({ refusal }) => refusal(createPolicy({ default: [REQUIRED] })),

  SIGNATURE_CERTIFICATE_REJECTED: async () => {
    const [root, other] = [1, 2].map((i) => makeCertificate({ name: `root ${i}`, ca: true }));
    const leaf = makeCertificate({ name: "leaf", issuer: other!, emails: ["me@example.com"] });
    const { annotations, ...signature } = signWith(leaf.privateKey, encodePayload(COSIGN, CLAIMS));
    const certified = { ...annotations, "dev.sigstore.cosign/certificate": leaf.pem };
    const trust = { kind: "pki" as const, roots: encode(root!.pem), subjectEmail: "me@example.com" };
    await check({ ...signature, annotations: certified }, trust);
  },
  SIGNATURE_DIGEST_MISMATCH: () => check(sign({ digest: MISSING })),
  SIGNATURE_FORMAT_UNKNOWN: () => check({ ...sign(), mediaType: "text/plain" }),
  SIGNATURE_IDENTITY_MISMATCH: () => check(sign({ reference: "registry.example/other:1" })),
  SIGNATURE_INVALID: () =>
    check(sign(), { kind: "keys", publicKeys: [pemOf(generateKeyPairSync("ed25519").publicKey)] }),
  SIGNATURE_LOG_REJECTED: () => check(sign(), { kind: "keys", publicKeys: [PUBLIC], rekorPublicKeys: [PUBLIC] }),
  SIGNATURE_PAYLOAD_INVALID: () => check(signWith(KEYS.privateKey, encode("{}"))),
};
