/** Signed content is accepted, changed content is refused, and broken input fails with one of our codes. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { generateKey } from "openpgp";
import {
  attachSignatures,
  createPolicy,
  createSimpleSigner,
  encodeSignature,
  evaluatePolicy,
  openPgpKey,
  openSigstoreSigner,
  parseAttachment,
  parsePolicy,
  parseSignature,
  type Policy,
  type Signature,
  type Signer,
  type SigstoreSignature,
  type Verdict,
} from "../../src/signature/room.ts";
import { digestOf, isManifestsError, type NamedReference, parseReference } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";
import { signedBy, sigstoreSigned } from "../support/signing_world.ts";
import { encryptedKey, signWith } from "../support/sigstore.ts";

const PASSPHRASE = encode("pw");
const OTHER = encode("another manifest");

/** A signer, what a policy says to want its signatures, and its keys as files. */
interface Key {
  signer: Signer;
  requirement(signedIdentity?: unknown): Record<string, unknown>;
  privateKey: Uint8Array<ArrayBuffer>;
  publicKey: Uint8Array<ArrayBuffer>;
}

async function sigstoreKey({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): Promise<Key> {
  const file = await encryptedKey(new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" })), PASSPHRASE);
  const pem = String(publicKey.export({ type: "spki", format: "pem" }));
  return {
    signer: await openSigstoreSigner(file, { passphrase: PASSPHRASE }),
    requirement: (signedIdentity) => sigstoreSigned(pem, signedIdentity),
    privateKey: file,
    publicKey: encode(pem),
  };
}

async function openPgp(type: "rsa" | "ecc"): Promise<Key> {
  const options = type === "rsa" ? { type, rsaBits: 2048 } : { type, curve: "ed25519Legacy" as const };
  const pair = await generateKey({ ...options, userIDs: [{ name: "Me" }], format: "binary" });
  const [privateKey, publicKey] = [new Uint8Array(pair.privateKey), new Uint8Array(pair.publicKey)];
  return {
    signer: createSimpleSigner(await openPgpKey(privateKey)),
    requirement: (signedIdentity) => signedBy(publicKey, signedIdentity),
    privateKey,
    publicKey,
  };
}

const KEYS: Record<string, Key> = {
  p256: await sigstoreKey(generateKeyPairSync("ec", { namedCurve: "P-256" })),
  p384: await sigstoreKey(generateKeyPairSync("ec", { namedCurve: "P-384" })),
  rsa: await sigstoreKey(generateKeyPairSync("rsa", { modulusLength: 2048 })),
  ed25519: await sigstoreKey(generateKeyPairSync("ed25519")),
  "OpenPGP rsa": await openPgp("rsa"),
  "OpenPGP ed25519": await openPgp("ecc"),
};

/** An image and its signatures, judged under a policy. */
function judge(
  policy: Policy,
  image: { manifest: Uint8Array<ArrayBuffer>; reference: NamedReference },
  ...signatures: Signature[]
): Promise<Verdict> {
  const { manifest, reference } = image;
  return evaluatePolicy({
    transport: "docker",
    identity: String(reference),
    namespaces: [],
    dockerReference: reference,
    digest: digestOf(manifest),
    manifest,
    readSignatures: () => Promise.resolve(signatures),
  }, policy);
}

/** Does something that may fail, with an error of ours; any other one is a defect. */
async function isOurs<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isManifestsError(error)) throw error;
    return undefined;
  }
}

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const reference = fc.tuple(word, word, word, fc.boolean()).map(([host, path, tag, byDigest]) =>
  byDigest
    ? parseReference(`${host}.example/${path}`).withDigest(digestOf(encode(tag)))
    : parseReference(`${host}.example/${path}:${tag}`)
);
const image = fc.record({
  manifest: fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
  reference,
});
const keyName = fc.constantFrom(...Object.keys(KEYS));

/** Something else of bytes: one of them changed, some left out, put in, or there twice. */
type Mutation = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([at, mask]) => changeByte(at, mask)) },
  fc.tuple(at, at).map(([from, to]): Mutation => (bytes) =>
    join(bytes.slice(0, from * bytes.length), bytes.slice((from + (1 - from) * to) * bytes.length + 1))
  ),
  fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([at, more]): Mutation => (bytes) =>
    join(bytes.slice(0, at * bytes.length), more, bytes.slice(at * bytes.length))
  ),
  fc.tuple(at, at).map(([from, to]): Mutation => (bytes) =>
    join(bytes, bytes.slice(from * bytes.length, (from + (1 - from) * to) * bytes.length + 1))
  ),
);

function changeByte(at: number, mask: number): Mutation {
  return (bytes) => {
    const changed = bytes.slice();
    changed[Math.floor(at * bytes.length)]! ^= mask;
    return changed;
  };
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("any signature is accepted for its name and key, and for no other name or key", async () => {
  await fc.assert(fc.asyncProperty(image, keyName, keyName, word, async (image, name, other, tag) => {
    const { signer, requirement } = KEYS[name]!;
    const signature = await signer.sign(image.manifest, image.reference);
    const stored = parseSignature(encodeSignature(signature));
    const allowed = async (requirement: unknown, over: Partial<typeof image> = {}) =>
      (await judge(createPolicy({ default: [requirement] }), { ...image, ...over }, stored)).allowed;
    const matches = image.reference.digest === undefined || image.reference.digest === digestOf(image.manifest);
    const exactly = { type: "exactReference", dockerReference: String(image.reference) };
    const over = { reference: parseReference("other.example/other:1") };
    assert.ok(await allowed(requirement(exactly), over), name);
    if (matches) assert.ok(await allowed(requirement()), name);
    assert.equal(await allowed(KEYS[other]!.requirement(exactly), over), other === name, `${name}, ${other}`);
    assert.equal(await allowed(requirement(exactly), { ...over, manifest: OTHER }), false);
    const elsewhere = parseReference(`${image.reference.domain}/${image.reference.path}-other:${tag}`);
    assert.equal(await allowed(requirement(), { reference: elsewhere }), false);
  }));
});

Deno.test("a stored sigstore signature with any change is refused", async () => {
  const kinds = fc.constantFrom("p256", "p384", "rsa", "ed25519");
  await fc.assert(
    fc.asyncProperty(image, kinds, at, fc.integer({ min: 1, max: 255 }), async (image, name, at, mask) => {
      const { signer, requirement } = KEYS[name]!;
      const over = { ...image, reference: parseReference("other.example/other:1") };
      const policy = createPolicy({
        default: [requirement({ type: "exactReference", dockerReference: String(image.reference) })],
      });
      const stored = encodeSignature(await signer.sign(image.manifest, image.reference));
      assert.ok((await judge(policy, over, parseSignature(stored))).allowed);
      const changed = changeByte(at, mask)(stored);
      await isOurs(async () => {
        const { allowed } = await judge(policy, over, parseSignature(changed));
        assert.equal(allowed, false, new TextDecoder().decode(changed));
      });
    }),
    { numRuns: 1000 },
  );
});

const NAMED = { manifest: encode("{}"), reference: parseReference("a.example/b:1") };

Deno.test("no change of an OpenPGP message or a keyring makes other content accepted", async () => {
  const names = fc.constantFrom("OpenPGP rsa", "OpenPGP ed25519");
  await fc.assert(
    fc.asyncProperty(names, fc.boolean(), mutation, async (name, inKey, mutate) => {
      const { signer, publicKey } = KEYS[name]!;
      const signature = await signer.sign(NAMED.manifest, NAMED.reference) as Signature & { kind: "simple" };
      const policy = createPolicy({ default: [signedBy(inKey ? mutate(publicKey) : publicKey)] });
      const bytes = inKey ? signature.bytes : mutate(signature.bytes);
      const verdict = await isOurs(() => judge(policy, NAMED, { kind: "simple", bytes }));
      // Unsigned data such as file names may change; a claim and its key must not.
      const accepted = verdict?.requirements[0]?.signatures.find(({ accepted }) => accepted);
      assert.equal(verdict?.allowed ?? false, accepted !== undefined);
      if (accepted?.accepted) assert.equal(accepted.verified.claims.reference, String(NAMED.reference));
      const elsewhere = { ...NAMED, manifest: OTHER };
      const other = await isOurs(() => judge(policy, elsewhere, { kind: "simple", bytes }));
      assert.notEqual(other?.allowed, true);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a policy with any change is read or refused, and never accepts an unsigned image", async () => {
  const { requirement } = KEYS.p256!;
  const text = encode({
    default: [{ type: "reject" }],
    transports: { docker: { "a.example": [requirement({ type: "matchRepository" })], "": [requirement()] } },
  });
  const unsigned: SigstoreSignature = { kind: "sigstore", mediaType: "m", payload: encode("{}"), annotations: {} };
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      const changed = mutations.reduce((bytes, mutate) => mutate(bytes), text);
      const verdict = await isOurs(() => judge(parsePolicy(changed, "policy"), NAMED, unsigned));
      assert.notEqual(verdict?.allowed, true, new TextDecoder().decode(changed));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("any other signed document is refused, unless it is another spelling of the payload", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = await sigstoreKey({ privateKey, publicKey });
  const { payload } = await key.signer.sign(NAMED.manifest, NAMED.reference) as SigstoreSignature;
  const policy = createPolicy({ default: [key.requirement()] });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      const changed = mutations.reduce((bytes, mutate) => mutate(bytes), payload);
      const verdict = await isOurs(() => judge(policy, NAMED, signWith(privateKey, changed)));
      if (!verdict?.allowed) return;
      const critical = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)).critical;
      assert.deepEqual(critical(changed), critical(payload));
    }),
    { numRuns: 500 },
  );
});

Deno.test("a stored or attached signature with any change is read or refused", async () => {
  const signature = await KEYS.p256!.signer.sign(NAMED.manifest, NAMED.reference) as SigstoreSignature;
  const blob = encodeSignature(signature);
  const { manifest, blobs } = attachSignatures(undefined, [signature])!;
  const config = blobs.at(-1)!.bytes;
  await fc.assert(
    fc.asyncProperty(mutation, async (mutate) => {
      await isOurs(() => parseSignature(mutate(blob)));
      await isOurs(() => parseAttachment(mutate(manifest)));
      const later = { ...signature, annotations: { ...signature.annotations, later: "yes" } };
      await isOurs(() => attachSignatures({ manifest: mutate(manifest), config }, [later]));
      await isOurs(() => attachSignatures({ manifest, config: mutate(config) }, [later]));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a key file with any change is read as the same key or refused", async () => {
  const { privateKey, publicKey, signer, requirement } = KEYS.p256!;
  const signature = await signer.sign(NAMED.manifest, NAMED.reference);
  const ofOther = await KEYS.p384!.signer.sign(NAMED.manifest, NAMED.reference);
  await fc.assert(
    fc.asyncProperty(mutation, async (mutate) => {
      const policy = createPolicy({
        default: [{ type: "sigstoreSigned", keyData: new Uint8Array(mutate(publicKey)).toBase64() }],
      });
      const [mine, others] = [await judge(policy, NAMED, signature), await judge(policy, NAMED, ofOther)];
      assert.equal(others.allowed, false);
      if (!mine.allowed) assert.match(mine.reasons[0]!.code, /^(KEY|SIGNATURE)_INVALID$/);
    }),
    { numRuns: 500 },
  );
  // Each of them costs what guessing a passphrase costs.
  await fc.assert(
    fc.asyncProperty(mutation, async (mutate) => {
      const opened = await isOurs(() => openSigstoreSigner(mutate(privateKey), { passphrase: PASSPHRASE }));
      if (!opened) return;
      const signature = await opened.sign(NAMED.manifest, NAMED.reference);
      assert.ok((await judge(createPolicy({ default: [requirement()] }), NAMED, signature)).allowed);
    }),
    { numRuns: 20 },
  );
});
