/** Lists with sigstore signatures: the newest c/image and we think the same of them, whoever signed. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { create, type Digest, verify } from "../../mod.ts";
import {
  attachmentTag,
  createPolicy,
  createSignaturePolicy,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  type SigstoreSignature,
} from "../../src/signature/room.ts";
import { attach, readAttached, readStored } from "../support/attachments.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode } from "../support/images.ts";
import { IMAGECOPY } from "../support/oracles.ts";
import { ok } from "../support/peers.ts";
import { REGISTRIES, startEmbedded } from "../support/registries.ts";
import { makeSigningWorld, sigstoreSigned } from "../support/signing_world.ts";
import { encryptedKey } from "../support/sigstore.ts";

const SIGNATURE = "dev.cosignproject.cosign/signature";
const PASSPHRASE = encode("pw");
const PEERS = ["docker-registry", "gpg", IMAGECOPY];

type World = Awaited<ReturnType<typeof makeSigningWorld>>;

/** Asks both about all of an image, or of a list; returns the code of our first refusal. */
async function judge(world: World, image: string, ...requirements: unknown[]): Promise<string | undefined> {
  const theirs = await world.imagecopy(await world.policyFile("policy.json", ...requirements), image);
  if (theirs.code !== 0) assert.match(theirs.stderr, /Source image rejected/);
  const policy = createPolicy({ default: requirements });
  const { allowed, top, instances } = await verify(image, { policy, systemContext: world.systemContext });
  const [reason] = [top, ...instances.values()].flatMap(({ reasons }) => reasons);
  assert.equal(allowed, reason === undefined);
  assert.equal(allowed, theirs.code === 0, `${reason?.reason}, but of c/image: ${theirs.stderr}`);
  return reason?.code;
}

async function makeSigner(folder: string, name: string) {
  const pair = await generateSigstoreKeyPair(PASSPHRASE);
  await Deno.writeTextFile(`${folder}/${name}.private`, pair.privateKey);
  return { ...pair, signer: await openSigstoreSigner(encode(pair.privateKey), { passphrase: PASSPHRASE }) };
}

folderTest("c/image accepts signatures made here by keys of every kind", async (folder) => {
  await using world = await makeSigningWorld(folder, startEmbedded);
  const { registry: { host }, systemContext, list } = world;
  const kinds = {
    p384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
    rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ed25519: generateKeyPairSync("ed25519"),
  };
  const other = (await generateSigstoreKeyPair(PASSPHRASE)).publicKey;
  for (const [name, { privateKey, publicKey }] of Object.entries(kinds)) {
    const pkcs8 = new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" }));
    await using signer = await openSigstoreSigner(await encryptedKey(pkcs8, PASSPHRASE), { passphrase: PASSPHRASE });
    await list.push(`${host}/${name}:1`, { systemContext, signers: [signer] });
    const pem = String(publicKey.export({ type: "spki", format: "pem" }));
    assert.equal(await judge(world, `docker://${host}/${name}:1`, sigstoreSigned(pem)), undefined, name);
    assert.equal(await judge(world, `docker://${host}/${name}:1`, sigstoreSigned(other)), "SIGNATURE_INVALID", name);
  }
}, PEERS);

for (const [name, start] of Object.entries(REGISTRIES)) {
  folderTest(`a list in ${name} is accepted only for the keys and names with which it was signed`, async (folder) => {
    await using world = await makeSigningWorld(folder, start);
    const { host } = world.registry;
    const [one, two, other] = await Promise.all(["one", "two", "other"].map((name) => makeSigner(folder, name)));
    const [byOne, byTwo, byOther] = [one!, two!, other!].map(({ publicKey }) => publicKey);
    const { systemContext } = world;
    const { digest } = await world.list.push(`${host}/app:1`, { systemContext, signers: [one!.signer, two!.signer] });
    const repository = clientOf(host).repository("app");
    await repository.putManifest("2", (await repository.getManifest(digest)).bytes);
    const exactly = (dockerReference: string) => ({ type: "exactReference", dockerReference });
    const rows: [tag: string, requirements: unknown[], code?: string][] = [
      [":1", [sigstoreSigned(byOne!)]],
      [":1", [sigstoreSigned(byTwo!)]],
      [":1", [sigstoreSigned(byOne!), sigstoreSigned(byTwo!)]],
      [":1", [sigstoreSigned(byOther!)], "SIGNATURE_INVALID"],
      [":1", [sigstoreSigned(byOne!), sigstoreSigned(byOther!)], "SIGNATURE_INVALID"],
      [":1", [sigstoreSigned(byOne!, exactly(`${host}/app:1`))]],
      [":1", [sigstoreSigned(byOne!, exactly(`${host}/app:2`))], "SIGNATURE_IDENTITY_MISMATCH"],
      [":1", [sigstoreSigned(byOne!, exactly(`${host}/other:1`))], "SIGNATURE_IDENTITY_MISMATCH"],
      [":1", [sigstoreSigned(byOne!, { type: "matchExact" })]],
      [`@${digest}`, [sigstoreSigned(byOne!)]],
      [`@${digest}`, [sigstoreSigned(byOne!, { type: "matchExact" })], "SIGNATURE_IDENTITY_MISMATCH"],
      [":2", [sigstoreSigned(byOne!)], "SIGNATURE_IDENTITY_MISMATCH"],
      [":2", [sigstoreSigned(byOne!, { type: "matchRepository" })]],
      [":2", [sigstoreSigned(byOther!, { type: "matchRepository" })], "SIGNATURE_INVALID"],
    ];
    for (const [i, [tag, requirements, code]] of rows.entries()) {
      assert.equal(await judge(world, `docker://${host}/app${tag}`, ...requirements), code, `row ${i}`);
    }
  }, PEERS);

  folderTest(`in ${name}, both detect a changed byte and a removed signature`, async (folder) => {
    await using world = await makeSigningWorld(folder, start);
    const { registry: { host }, systemContext, digests } = world;
    const repository = clientOf(host).repository("app");
    const { signer, publicKey } = await makeSigner(folder, "one");
    await world.list.push(`${host}/app:1`, { systemContext, signers: [signer] });
    const [first, last] = digests as [Digest, Digest];
    const [signature] = await readAttached(repository, last) as [SigstoreSignature];
    const ask = () => judge(world, `docker://${host}/app:1`, sigstoreSigned(publicKey));
    assert.equal(await ask(), undefined);
    const payload = signature.payload.slice();
    payload[payload.length - 5]! ^= 1;
    const raw = Uint8Array.fromBase64(signature.annotations[SIGNATURE]!);
    raw[raw.length - 1]! ^= 1;
    const changes: [change: Partial<SigstoreSignature>, code?: string][] = [
      [{ payload }, "SIGNATURE_INVALID"],
      [{ annotations: { [SIGNATURE]: raw.toBase64() } }, "SIGNATURE_INVALID"],
      [{ annotations: {} }, "SIGNATURE_INVALID"],
      [{ annotations: { ...signature.annotations, other: "annotation" } }],
      [{ mediaType: "application/json" }, "SIGNATURE_MISSING"],
    ];
    for (const [i, [change, code]] of changes.entries()) {
      await attach(repository, last, undefined, { ...signature, ...change });
      assert.equal(await ask(), code, `change ${i}`);
    }
    await attach(repository, last, undefined, signature);
    assert.equal(await ask(), undefined);
    // An attachment of one instance is not valid for another.
    await repository.putManifest(attachmentTag(last), (await readStored(repository, first)).manifest);
    assert.equal(await ask(), "SIGNATURE_DIGEST_MISMATCH");
    await repository.deleteTag(attachmentTag(last), { replace: true });
    assert.equal(await ask(), "SIGNATURE_MISSING");
  }, PEERS);

  folderTest(
    `signatures of c/image in ${name} are accepted here, and copied under a policy that requires them`,
    async (folder) => {
      await using world = await makeSigningWorld(folder, start);
      const { registry: { host }, systemContext, list } = world;
      await Deno.writeTextFile(`${folder}/passphrase`, "pw\n");
      await ok([IMAGECOPY, "generate-sigstore-key", `${folder}/theirs`, `${folder}/passphrase`]);
      const ours = await makeSigner(folder, "ours");
      await Deno.writeTextFile(`${folder}/ours.pub`, ours.publicKey);
      await list.push(`${host}/app:1`, { systemContext });
      for (const [key, other] of [["theirs", "ours"], ["ours", "theirs"]]) {
        const [publicKey, otherKey] = await Promise.all(
          [key, other].map((name) => Deno.readTextFile(`${folder}/${name}.pub`)),
        );
        const signed = `docker://${host}/${key}:1`;
        const sign = ["--sign-by-sigstore-private-key", `${folder}/${key}.private`];
        await ok([
          ...[IMAGECOPY, "copy", "--all", "--registries.d", systemContext.registriesDirPath, ...sign],
          ...["--sign-passphrase-file", `${folder}/passphrase`, `docker://${host}/app:1`, signed],
        ]);
        assert.equal(await judge(world, signed, sigstoreSigned(publicKey!)), undefined, key);
        assert.equal(await judge(world, signed, sigstoreSigned(otherKey!)), "SIGNATURE_INVALID", key);
        // An accepted list is copied with its signatures.
        const copy = create();
        await copy.add(signed, { systemContext, all: true });
        const policyOf = (key: string) =>
          createSignaturePolicy(createPolicy({ default: [sigstoreSigned(key, { type: "matchRepository" })] }));
        await assert.rejects(
          copy.push(`${host}/copy:${key}`, { systemContext, signaturePolicy: policyOf(otherKey!) }),
          {
            code: "POLICY_REJECTED",
          },
        );
        await copy.push(`${host}/copy:${key}`, { systemContext, signaturePolicy: policyOf(publicKey!) });
      }
    },
    PEERS,
  );
}
