/** Sigstore signatures: keys, signing, verifying, attaching. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import {
  attachedSignature,
  attachmentTag,
  attachSignatures,
  encodeSignature,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  parseAttachment,
  parseSignature,
  type SigstoreSignature,
  verifySigstoreSignature,
} from "../../src/signature/room.ts";
import { digestOf, MEDIA_TYPES, parseReference } from "../../src/spec/room.ts";
import { encode, makeImage } from "../support/images.ts";
import { encryptedKey } from "../support/sigstore.ts";

const { manifest } = makeImage({ architecture: "amd64" });
const NAME = "registry.example/team/app:1";
const SIGNATURE = "dev.cosignproject.cosign/signature";
const PASSPHRASE = encode("s3cret");
const EXPECTED = { manifestDigest: digestOf(manifest), acceptsReference: (name: string) => name === NAME };

const pair = await generateSigstoreKeyPair(PASSPHRASE);
const PUBLIC = encode(pair.publicKey);
const trusting = (...publicKeys: Uint8Array[]) => ({ ...EXPECTED, trust: { kind: "keys" as const, publicKeys } });

async function sign(key = encode(pair.privateKey), now = () => new Date()): Promise<SigstoreSignature> {
  await using signer = await openSigstoreSigner(key, { passphrase: PASSPHRASE, now });
  return await signer.sign(manifest, parseReference(NAME));
}

Deno.test("keys of every kind verify their own signatures", async () => {
  const kinds = [
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ed25519"),
  ];
  for (const { privateKey, publicKey } of kinds) {
    const kind = privateKey.asymmetricKeyType;
    const pkcs8 = new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" }));
    const signature = await sign(await encryptedKey(pkcs8, PASSPHRASE));
    const pem = encode(String(publicKey.export({ type: "spki", format: "pem" })));
    const { claims } = await verifySigstoreSignature(signature, trusting(PUBLIC, pem));
    assert.equal(claims.reference, NAME, kind);
    await assert.rejects(verifySigstoreSignature(signature, trusting(PUBLIC)), { code: "SIGNATURE_INVALID" });
    if (kind !== "rsa") continue;
    const pkcs1 = encode(String(publicKey.export({ type: "pkcs1", format: "pem" })));
    await verifySigstoreSignature(signature, trusting(pkcs1));
  }
});

Deno.test("a signature is accepted only for its image, name and key, and in one form", async () => {
  const signature = await sign();
  const other = encode((await generateSigstoreKeyPair(PASSPHRASE)).publicKey);
  const valid = await verifySigstoreSignature(signature, trusting(PUBLIC));
  assert.equal(valid.claims.digest, digestOf(manifest));
  const text = signature.annotations[SIGNATURE]!;
  const annotated = (annotations: Record<string, string>) => ({ ...signature, annotations });
  const rows: [changed: SigstoreSignature, options: Parameters<typeof verifySigstoreSignature>[1], code: string][] = [
    [signature, trusting(other), "SIGNATURE_INVALID"],
    [signature, trusting(), "SIGNATURE_INVALID"],
    [signature, trusting(PUBLIC, encode("nonsense")), "KEY_INVALID"],
    [signature, { ...trusting(PUBLIC), manifestDigest: digestOf(PUBLIC) }, "SIGNATURE_DIGEST_MISMATCH"],
    [signature, { ...trusting(PUBLIC), manifestDigest: digestOf(manifest, "sha512") }, "SIGNATURE_DIGEST_MISMATCH"],
    [signature, { ...trusting(PUBLIC), acceptsReference: () => false }, "SIGNATURE_IDENTITY_MISMATCH"],
    [{ ...signature, mediaType: "application/json" }, trusting(PUBLIC), "SIGNATURE_FORMAT_UNKNOWN"],
    [annotated({}), trusting(PUBLIC), "SIGNATURE_INVALID"],
    [annotated({ [SIGNATURE]: "" }), trusting(PUBLIC), "SIGNATURE_INVALID"],
    [annotated({ [SIGNATURE]: `${text}\n` }), trusting(PUBLIC), "SIGNATURE_INVALID"],
    [annotated({ [SIGNATURE]: text.replaceAll("=", "") + " " }), trusting(PUBLIC), "SIGNATURE_INVALID"],
    // DER with a byte too many.
    [annotated({ [SIGNATURE]: btoa(atob(text) + "\0") }), trusting(PUBLIC), "SIGNATURE_INVALID"],
    [
      signature,
      { ...EXPECTED, trust: { kind: "keys", publicKeys: [PUBLIC], rekorPublicKeys: [] } },
      "SIGNATURE_LOG_REJECTED",
    ],
  ];
  for (const [i, [changed, options, code]] of rows.entries()) {
    await assert.rejects(verifySigstoreSignature(changed, options), { code }, `row ${i}`);
  }
});

Deno.test("signatures of any image under any name verify, and only for them", async () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const texts = fc.tuple(fc.string({ maxLength: 200, unit: "binary" }), fc.string({ unit: "binary" }));
  await using signer = await openSigstoreSigner(encode(pair.privateKey), { passphrase: PASSPHRASE });
  await fc.assert(fc.asyncProperty(texts, fc.tuple(word, word, word), async ([content, other], [host, path, tag]) => {
    const [bytes, name] = [encode(content), `${host}.example/${path}:${tag}`];
    const signature = await signer.sign(bytes, parseReference(name));
    const trust = { kind: "keys" as const, publicKeys: [PUBLIC] };
    const options = { trust, manifestDigest: digestOf(bytes), acceptsReference: (signed: string) => signed === name };
    assert.equal((await verifySigstoreSignature(signature, options)).claims.reference, name);
    if (digestOf(encode(other)) === options.manifestDigest) return;
    await assert.rejects(verifySigstoreSignature(signature, { ...options, manifestDigest: digestOf(encode(other)) }), {
      code: "SIGNATURE_DIGEST_MISMATCH",
    });
  }));
});

Deno.test("a payload or signature with any change does not verify", async () => {
  const signature = await sign();
  const raw = Uint8Array.from(atob(signature.annotations[SIGNATURE]!), (c) => c.charCodeAt(0));
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (inPayload, at, mask) => {
      const [payload, bytes] = [signature.payload.slice(), raw.slice()];
      const target = inPayload ? payload : bytes;
      target[at % target.length]! ^= mask;
      const changed = { ...signature, payload, annotations: { [SIGNATURE]: btoa(String.fromCharCode(...bytes)) } };
      await assert.rejects(verifySigstoreSignature(changed, trusting(PUBLIC)), { code: "SIGNATURE_INVALID" });
    }),
  );
});

Deno.test("errors of private keys that cannot be opened give the reason, and never the passphrase", async () => {
  const box = JSON.parse(atob(pair.privateKey.replace(/-----[^-]+-----|\n/g, "")));
  const pem = (change: (value: typeof box) => void, type = "ENCRYPTED SIGSTORE PRIVATE KEY") => {
    const value = structuredClone(box);
    change(value);
    return encode(`-----BEGIN ${type}-----\n${btoa(JSON.stringify(value))}\n-----END ${type}-----\n`);
  };
  await openSigstoreSigner(pem(() => {}), { passphrase: PASSPHRASE });
  const rows: [key: Uint8Array, passphrase: Uint8Array | undefined, code: string][] = [
    [encode(pair.privateKey), encode("not-the-s3cret"), "PASSPHRASE_WRONG"],
    [encode(pair.privateKey), encode(""), "PASSPHRASE_WRONG"],
    [encode(pair.privateKey), undefined, "PASSPHRASE_REQUIRED"],
    [PUBLIC, PASSPHRASE, "KEY_INVALID"],
    [encode(""), PASSPHRASE, "KEY_INVALID"],
    [pem(() => {}, "PRIVATE KEY"), PASSPHRASE, "KEY_INVALID"],
    [pem((value) => value.kdf.params.N = 2 ** 30), PASSPHRASE, "KEY_INVALID"],
    [pem((value) => value.kdf.params.r = 16), PASSPHRASE, "KEY_INVALID"],
    [pem((value) => value.kdf.name = "pbkdf2"), PASSPHRASE, "KEY_INVALID"],
    [pem((value) => value.cipher.name = "aes"), PASSPHRASE, "KEY_INVALID"],
    [pem((value) => value.cipher.nonce = btoa("short")), PASSPHRASE, "KEY_INVALID"],
    [pem((value) => value.ciphertext = "%"), PASSPHRASE, "KEY_INVALID"],
    [pem((value) => value.ciphertext = ""), PASSPHRASE, "PASSPHRASE_WRONG"],
    [await encryptedKey(encode("no key s3cret"), PASSPHRASE), PASSPHRASE, "KEY_INVALID"],
  ];
  for (const [i, [key, passphrase, code]] of rows.entries()) {
    await assert.rejects(openSigstoreSigner(key, { passphrase }), (error: Error & { code?: string }) => {
      assert.equal(error.code, code, `row ${i}: ${error.message}`);
      assert.doesNotMatch(`${error.message} ${error.cause ?? ""}`, /s3cret/);
      return true;
    });
  }
  await openSigstoreSigner(encode((await generateSigstoreKeyPair(encode(""))).privateKey), { passphrase: encode("") });
});

Deno.test("public keys of weak kinds are refused", async () => {
  const signature = await sign();
  for (const key of [generateKeyPairSync("rsa", { modulusLength: 1024 }), generateKeyPairSync("x25519")]) {
    const pem = encode(String(key.publicKey.export({ type: "spki", format: "pem" })));
    await assert.rejects(verifySigstoreSignature(signature, trusting(PUBLIC, pem)), { code: "KEY_INVALID" });
  }
});

Deno.test("keys of kinds that cannot sign are refused when they are opened", async () => {
  for (const key of [generateKeyPairSync("ec", { namedCurve: "P-521" }), generateKeyPairSync("x25519")]) {
    const pkcs8 = new Uint8Array(key.privateKey.export({ type: "pkcs8", format: "der" }));
    const file = await encryptedKey(pkcs8, PASSPHRASE);
    await assert.rejects(openSigstoreSigner(file, { passphrase: PASSPHRASE }), { code: "KEY_INVALID" });
  }
});

Deno.test("attached signatures are read back, once each, and existing attachments are kept", async () => {
  const [first, second] = [await sign(), await sign(undefined, () => new Date(0))];
  assert.equal(attachmentTag(digestOf(manifest)), `sha256-${digestOf(manifest).slice(7)}.sig`);
  const made = attachSignatures(undefined, [first, first])!;
  const config = made.blobs.at(-1)!.bytes;
  // As c/image writes it.
  assert.equal(
    new TextDecoder().decode(config),
    `{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":["${digestOf(first.payload)}"]}}`,
  );
  assert.equal(made.blobs.length, 2);
  assert.equal(attachSignatures({ manifest: made.manifest, config }, [first]), undefined);
  const document = JSON.parse(new TextDecoder().decode(made.manifest));
  document.layers.push({ mediaType: "application/vnd.other", digest: digestOf(PUBLIC), size: 3, unknown: { a: 1 } });
  document.annotations = { kept: "<&>" };
  const grown = attachSignatures({ manifest: encode(document), config }, [second])!;
  const after = JSON.parse(new TextDecoder().decode(grown.manifest));
  assert.deepEqual(after.layers.slice(0, 2), document.layers);
  assert.deepEqual(after.annotations, document.annotations);
  const { layers } = parseAttachment(grown.manifest);
  assert.equal(layers.length, 3);
  const read = attachedSignature(layers[2]!, second.payload);
  assert.deepEqual(read, second);
  await verifySigstoreSignature(read, trusting(PUBLIC));
  assert.deepEqual(JSON.parse(new TextDecoder().decode(grown.blobs.at(-1)!.bytes)).rootfs.diff_ids, [
    digestOf(first.payload),
    digestOf(second.payload),
  ]);
});

Deno.test("invalid and too large attachments are refused", () => {
  const config = { mediaType: MEDIA_TYPES.ociConfig, digest: digestOf(encode("{}")), size: 2 };
  const layer = { mediaType: "m", digest: digestOf(encode("x")), size: 1 };
  const image = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config };
  const rows: [value: unknown, code: string][] = [
    [{ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] }, "INVALID_MANIFEST"],
    [{ ...image, mediaType: MEDIA_TYPES.dockerManifest, layers: [] }, "INVALID_MANIFEST"],
    [{ ...image, layers: Array(129).fill(layer) }, "LIMIT_EXCEEDED"],
    [{ ...image, layers: [{ ...layer, size: 4 * 1024 * 1024 + 1 }] }, "LIMIT_EXCEEDED"],
    [{ ...image, layers: Array(9).fill({ ...layer, size: 4 * 1024 * 1024 }) }, "LIMIT_EXCEEDED"],
    [{ ...image, layers: [], manifests: [] }, "AMBIGUOUS_MANIFEST"],
  ];
  for (const [value, code] of rows) assert.throws(() => parseAttachment(encode(value)), { code });
});

Deno.test("signatures are stored and read back, and other content is refused", async () => {
  const signature = await sign();
  assert.deepEqual(parseSignature(encodeSignature(signature)), signature);
  const message = new Uint8Array([0xa3, 1, 2, 3]);
  assert.deepEqual(parseSignature(encodeSignature({ kind: "simple", bytes: message })), {
    kind: "simple",
    bytes: message,
  });
  const explicit = encode("\0simple-signing\nanything");
  assert.deepEqual(parseSignature(explicit), { kind: "simple", bytes: encode("anything") });
  const rows: [bytes: Uint8Array<ArrayBuffer>, code: string][] = [
    [encode(""), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode("-----BEGIN PGP MESSAGE-----"), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode("="), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode("\0"), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode("\0sigstore-json"), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode("\0sig\x01store\n"), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode("\0other\n{}"), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode("\0sigstore-json\n{}"), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode('\0sigstore-json\n{"mimeType":"m","payload":"%","annotations":{}}'), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode('\0sigstore-json\n{"mimeType":"m","payload":"","annotations":{"a":1}}'), "SIGNATURE_FORMAT_UNKNOWN"],
    [encode('\0sigstore-json\n{"mimeType":"m","mimeType":"m","payload":"","annotations":{}}'), "INVALID_JSON"],
    [new Uint8Array(4 * 1024 * 1024 + 1).fill(0xa3), "LIMIT_EXCEEDED"],
  ];
  for (const [i, [bytes, code]] of rows.entries()) assert.throws(() => parseSignature(bytes), { code }, `row ${i}`);
});

Deno.test("a key and a signature that c/image 5.42 made are accepted here", async () => {
  const read = (name: string) => Deno.readFile(new URL(`fixtures/${name}`, import.meta.url));
  const [key, pub, blob, signed] = await Promise.all(
    ["c_image.private", "c_image.pub", "c_image.signature", "c_image.manifest"].map(read),
  );
  const signature = parseSignature(blob!) as SigstoreSignature;
  const options = { ...trusting(pub!), manifestDigest: digestOf(signed!) };
  assert.match((await verifySigstoreSignature(signature, options)).claims.creator!, /^containers\/image /);
  assert.deepEqual(encodeSignature(signature), blob);
  await using signer = await openSigstoreSigner(key!, { passphrase: encode("pw2") });
  const ours = await signer.sign(signed!, parseReference(NAME));
  await verifySigstoreSignature(ours, options);
});
