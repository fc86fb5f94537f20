/** Simple signing against the real gpg and the real skopeo, both ways. */
import assert from "node:assert/strict";
import { openGpgKey, openMessageWithGpg } from "../../src/signature/gpg/room.ts";
import {
  createSimpleSigner,
  type MessageSigner,
  openMessage,
  openPgpKey,
  verifySimpleSignature,
} from "../../src/signature/room.ts";
import { digestOf, parseReference } from "../../src/spec/room.ts";
import { type GpgHome, makeGpgHome } from "../support/gpg.ts";
import { encode, makeImage } from "../support/images.ts";
import { exec, ok, peerTest } from "../support/peers.ts";

const { manifest } = makeImage({ architecture: "amd64" });
const NAME = "registry.example/team/app:1";
const EXPECTED = { manifestDigest: digestOf(manifest), acceptsReference: (name: string) => name === NAME };
const OPENERS = { openMessage, openMessageWithGpg };

async function sign(key: MessageSigner, name = NAME): Promise<Uint8Array<ArrayBuffer>> {
  await using signer = createSimpleSigner(key);
  return (await signer.sign(manifest, parseReference(name))).bytes;
}

/** Whether skopeo believes a signature. */
async function skopeoVerifies(home: GpgHome, bytes: Uint8Array, fingerprint: string, name = NAME): Promise<string> {
  const [image, signature] = [`${home.folder}/manifest.json`, `${home.folder}/signature`];
  await Deno.writeFile(image, manifest);
  await Deno.writeFile(signature, bytes);
  const { code, stderr } = await exec(["skopeo", "standalone-verify", image, name, fingerprint, signature], home.env);
  return code === 0 ? "" : stderr;
}

async function skopeoSigns(home: GpgHome, fingerprint: string, name = NAME): Promise<Uint8Array<ArrayBuffer>> {
  const [image, signature] = [`${home.folder}/manifest.json`, `${home.folder}/signature`];
  await Deno.writeFile(image, manifest);
  await ok(["skopeo", "standalone-sign", image, name, fingerprint, "-o", signature], home.env);
  return await Deno.readFile(signature);
}

peerTest(
  "signatures made here, with or without gpg, are accepted by skopeo and both verifiers",
  ["gpg", "skopeo"],
  async () => {
    await using home = await makeGpgHome();
    for (const algorithm of ["ed25519", "rsa3072"]) {
      for (const passphrase of ["", "s3cret ünd more"]) {
        const fingerprint = await home.makeKey(`${algorithm}${passphrase.length}`, { algorithm, passphrase });
        await home.forget();
        const secret = passphrase === "" ? {} : { passphrase: encode(passphrase) };
        const keyring = await home.exportKeys(fingerprint);
        const keys = [
          await openGpgKey(fingerprint, { homedir: home.folder, ...secret }),
          await openPgpKey(await home.exportSecret(fingerprint, passphrase), secret),
        ];
        for (const key of keys) {
          const bytes = await sign(key);
          assert.equal(await skopeoVerifies(home, bytes, fingerprint), "", algorithm);
          assert.notEqual(await skopeoVerifies(home, bytes, fingerprint, "registry.example/team/app:2"), "");
          for (const open of Object.values(OPENERS)) {
            const verified = await verifySimpleSignature(bytes, {
              ...EXPECTED,
              keyrings: [keyring],
              openMessage: open,
            });
            assert.equal(verified.fingerprint, fingerprint);
            assert.equal(verified.claims.reference, NAME);
          }
        }
      }
    }
  },
);

peerTest(
  "signatures of skopeo are accepted here with the right key, image and name only",
  ["gpg", "skopeo"],
  async () => {
    await using home = await makeGpgHome();
    const fingerprint = await home.makeKey("one");
    const other = await home.exportKeys(await home.makeKey("other"));
    const keyring = await home.exportKeys(fingerprint);
    const bytes = await skopeoSigns(home, fingerprint);
    for (const open of Object.values(OPENERS)) {
      const options = { ...EXPECTED, keyrings: [keyring], openMessage: open };
      const { claims, primaryFingerprint } = await verifySimpleSignature(bytes, options);
      assert.equal(primaryFingerprint, fingerprint);
      assert.match(claims.creator!, /^atomic /);
      await assert.rejects(verifySimpleSignature(bytes, { ...options, keyrings: [other] }), {
        code: "SIGNATURE_KEY_UNKNOWN",
      });
      await assert.rejects(verifySimpleSignature(bytes, { ...options, keyrings: [] }), {
        code: "SIGNATURE_KEY_UNKNOWN",
      });
      await assert.rejects(verifySimpleSignature(bytes, { ...options, manifestDigest: digestOf(encode("other")) }), {
        code: "SIGNATURE_DIGEST_MISMATCH",
      });
      await assert.rejects(verifySimpleSignature(bytes, { ...options, acceptsReference: () => false }), {
        code: "SIGNATURE_IDENTITY_MISMATCH",
      });
    }
  },
);

peerTest("the signed payload equals skopeo's, byte by byte", ["gpg", "skopeo"], async () => {
  await using home = await makeGpgHome();
  const fingerprint = await home.makeKey("one");
  const keyrings = [await home.exportKeys(fingerprint)];
  const theirs = new TextDecoder().decode((await openMessage(await skopeoSigns(home, fingerprint), keyrings)).body);
  const { creator, timestamp } = JSON.parse(theirs).optional;
  const options = { creator, now: () => new Date(timestamp * 1000 + 999) };
  const signer = createSimpleSigner(await openGpgKey(fingerprint, { homedir: home.folder }), options);
  const { bytes } = await signer.sign(manifest, parseReference(NAME));
  assert.equal(new TextDecoder().decode((await openMessage(bytes, keyrings)).body), theirs);
});

peerTest("a signature with any byte changed is refused", ["gpg", "skopeo"], async () => {
  await using home = await makeGpgHome();
  const fingerprint = await home.makeKey("one");
  const keyrings = [await home.exportKeys(fingerprint)];
  for (
    const bytes of [
      await skopeoSigns(home, fingerprint),
      await sign(await openPgpKey(await home.exportSecret(fingerprint))),
    ]
  ) {
    await verifySimpleSignature(bytes, { ...EXPECTED, keyrings });
    const opened = await openMessage(bytes, keyrings);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1 << (at % 8);
      try {
        const { body } = await openMessage(changed, keyrings);
        // Names of files, hints and other unsigned bytes may change; what was signed may not.
        assert.deepEqual(body, opened.body);
      } catch (error) {
        assert.match((error as { code?: string }).code ?? String(error), /^SIGNATURE_/, `byte ${at}`);
      }
    }
  }
});

peerTest("the primary key signs if it can, and all versions of skopeo accept that", ["gpg", "skopeo"], async () => {
  await using home = await makeGpgHome();
  const fingerprint = await home.makeKey("both", { usage: "sign", subkey: true });
  const keyrings = [await home.exportKeys(fingerprint)];
  for (
    const key of [
      await openGpgKey(fingerprint, { homedir: home.folder }),
      await openPgpKey(await home.exportSecret(fingerprint)),
    ]
  ) {
    assert.equal(key.fingerprint, fingerprint);
    assert.equal(await skopeoVerifies(home, await sign(key), fingerprint), "");
  }
  const certifying = await home.makeKey("certifying", { usage: "cert", subkey: true });
  const subkeyrings = [await home.exportKeys(certifying)];
  for (
    const key of [
      await openGpgKey(certifying, { homedir: home.folder }),
      await openPgpKey(await home.exportSecret(certifying)),
    ]
  ) {
    assert.notEqual(key.fingerprint, certifying);
    const bytes = await sign(key);
    for (const open of Object.values(OPENERS)) {
      const verified = await verifySimpleSignature(bytes, { ...EXPECTED, keyrings: subkeyrings, openMessage: open });
      assert.equal(verified.primaryFingerprint, certifying);
      assert.equal(verified.fingerprint, key.fingerprint);
    }
  }
  // A signature that skopeo makes with the subkey is accepted, too: it belongs to the key.
  const theirs = await skopeoSigns(home, fingerprint);
  assert.equal((await verifySimpleSignature(theirs, { ...EXPECTED, keyrings })).primaryFingerprint, fingerprint);
});

peerTest("errors of unusable keys give the reason, and never the passphrase", ["gpg"], async () => {
  await using home = await makeGpgHome();
  const fingerprint = await home.makeKey("locked", { passphrase: "s3cret" });
  await home.forget();
  const secret = await home.exportSecret(fingerprint, "s3cret");
  await home.forget();
  const homedir = home.folder;
  const wrong = encode("not-the-s3cret");
  const rows: [work: () => Promise<unknown>, code: string][] = [
    [() => openGpgKey("0".repeat(40), { homedir }), "KEY_UNKNOWN"],
    [async () => await sign(await openGpgKey(fingerprint, { homedir, passphrase: wrong })), "PASSPHRASE_WRONG"],
    [async () => await sign(await openGpgKey(fingerprint, { homedir })), "PASSPHRASE_REQUIRED"],
    [() => openPgpKey(secret, { passphrase: wrong }), "PASSPHRASE_WRONG"],
    [() => openPgpKey(secret), "PASSPHRASE_REQUIRED"],
    [() => openPgpKey(encode("nonsense")), "KEY_INVALID"],
    [async () => await openPgpKey(await home.exportKeys(fingerprint)), "KEY_INVALID"],
  ];
  for (const [i, [work, code]] of rows.entries()) {
    await assert.rejects(work, (error: Error & { code?: string }) => {
      assert.equal(error.code, code, `row ${i}: ${error.message}`);
      assert.doesNotMatch(`${error.message} ${error.cause ?? ""}`, /s3cret/);
      return true;
    });
  }
  await assert.rejects(openGpgKey(fingerprint.slice(33), { homedir }), TypeError);
  const [byAddress, byFingerprint] = [await openGpgKey("locked@example.com", { homedir }), fingerprint];
  assert.equal(byAddress.fingerprint, byFingerprint);
  await home.makeKey("also-locked");
  await assert.rejects(openGpgKey("locked@example", { homedir }), { code: "KEY_UNKNOWN" });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(openGpgKey(fingerprint, { homedir, signal }), { message: "enough" });
  await assert.rejects(byAddress.seal(encode("text"), { signal }), { message: "enough" });
  await assert.rejects(openGpgKey(fingerprint, { homedir, passphrase: encode("two\nlines") }), TypeError);
  await assert.rejects(sign(await openPgpKey(secret, { passphrase: encode("s3cret") }), "registry.example/app"), {
    code: "INVALID_REFERENCE",
  });
});
