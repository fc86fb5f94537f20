/** Signers that options name. */
import assert from "node:assert/strict";
import { generateSigstoreKeyPair, type SigstoreSignature } from "../../src/signature/room.ts";
import { openSignersWith, type OpenSignersWithOptions, readPassphraseFile } from "../../src/signature/files/room.ts";
import { parseReference } from "../../src/spec/room.ts";
import { setVariables } from "../support/environment.ts";
import { folderTest } from "../support/folders.ts";
import { makeGpgHome } from "../support/gpg.ts";
import { encode } from "../support/images.ts";
import { createLog } from "../support/rekor.ts";

folderTest("the keys that options name sign in their order, or nothing is signed", async (folder) => {
  await using home = await makeGpgHome();
  const signBy = await home.makeKey("one", { passphrase: "s3cret" });
  await home.forget();
  const passphrase = encode("other");
  const { privateKey } = await generateSigstoreKeyPair(passphrase);
  const file = `${folder}/key.private`;
  await Deno.writeTextFile(file, privateKey);
  using _home = setVariables({ GNUPGHOME: home.folder });
  const sigstore = { signBySigstorePrivateKeyFile: file, signSigstorePrivateKeyPassphrase: passphrase };
  const signPassphrase = encode("s3cret");
  const signBySigstoreParamFile = `${folder}/params.yaml`;
  await Deno.writeTextFile(signBySigstoreParamFile, `privateKeyFile: ${file}\n`);
  const params = { signBySigstoreParamFile, privateKeyPassphrasePrompt: () => Promise.resolve(encode("other")) };
  const signers = await openSignersWith({ signBy, signPassphrase, ...sigstore, ...params });
  signPassphrase.fill(0);
  const kinds: string[] = [];
  for (const signer of signers) {
    kinds.push((await signer.sign(encode("{}"), parseReference("a.b/c:1"))).kind);
    await signer[Symbol.asyncDispose]?.();
  }
  assert.deepEqual(kinds, ["sigstore", "simple", "sigstore"]);
  assert.deepEqual(await openSignersWith({}), []);
  const rows: [options: Parameters<typeof openSignersWith>[0], code: string][] = [
    [{ signBy: "nobody@example.com" }, "KEY_UNKNOWN"],
    [{ signBy, signBySigstorePrivateKeyFile: `${folder}/none` }, "CONFIG_FILE_UNREADABLE"],
    [{ signBySigstorePrivateKeyFile: file }, "PASSPHRASE_REQUIRED"],
    [{ ...params, signBy: "nobody@example.com" }, "KEY_UNKNOWN"],
    [{ ...sigstore, signSigstorePrivateKeyPassphrase: encode("") }, "PASSPHRASE_WRONG"],
  ];
  for (const [options, code] of rows) await assert.rejects(openSignersWith(options), { code });
}, ["gpg"]);

folderTest("a parameter file names the key, its passphrase file, and the log", async (folder) => {
  const { privateKey } = await generateSigstoreKeyPair(encode("s3cret"));
  const file = `${folder}/key`;
  await Deno.writeTextFile(file, privateKey);
  await Deno.writeTextFile(`${folder}/passphrase`, "s3cret\nmore\n");
  await Deno.writeTextFile(`${folder}/wrong`, "s3cret \n");
  const log = createLog();
  const asked: string[] = [];
  const given: Uint8Array[] = [];
  const prompt = (text: string) => (keyFile: string) => {
    asked.push(keyFile);
    given.push(encode(text));
    return Promise.resolve(given.at(-1)!);
  };
  const open = async (text: string, options: OpenSignersWithOptions = {}) => {
    await Deno.writeTextFile(`${folder}/params.yaml`, text);
    const [signer] = await openSignersWith({
      signBySigstoreParamFile: `${folder}/params.yaml`,
      fetch: log.fetch,
      ...options,
    });
    const signature = await signer!.sign(encode("{}"), parseReference("a.b/c:1")) as SigstoreSignature;
    await signer![Symbol.asyncDispose]?.();
    return Object.keys(signature.annotations);
  };
  const [signature, bundle] = ["dev.cosignproject.cosign/signature", "dev.sigstore.cosign/bundle"];
  const key = `privateKeyFile: ${file}\n`;
  const unlocked = `${key}privateKeyPassphraseFile: ${folder}/passphrase\n`;
  const rows: [text: string, expected: string[] | string, options?: OpenSignersWithOptions][] = [
    [unlocked, [signature], { privateKeyPassphrasePrompt: () => assert.fail("nobody is asked") }],
    [`${unlocked}rekorURL: https://rekor.example\n`, [signature, bundle]],
    [key, [signature], { privateKeyPassphrasePrompt: prompt("s3cret") }],
    [key, "PASSPHRASE_WRONG", { privateKeyPassphrasePrompt: prompt("other") }],
    [key, "PASSPHRASE_REQUIRED"],
    [`${key}privateKeyPassphraseFile: ${folder}/wrong`, "PASSPHRASE_WRONG"],
    [`${key}privateKeyPassphraseFile: ${folder}/none`, "CONFIG_FILE_UNREADABLE"],
    ["privateKeyFile: /none", "CONFIG_FILE_UNREADABLE", { privateKeyPassphrasePrompt: prompt("s3cret") }],
    [`${unlocked}rekorUrl: https://rekor.example`, "CONFIG_FILE_INVALID"],
    ["fulcio: {fulcioURL: https://f.example, oidcMode: interactive}", "SIGNING_UNAVAILABLE"],
  ];
  for (const [text, expected, options] of rows) {
    if (typeof expected === "string") await assert.rejects(open(text, options), { code: expected }, text);
    else assert.deepEqual(await open(text, options), expected, text);
  }
  assert.deepEqual(asked, [file, file, "/none"]);
  assert.ok(given.every((bytes) => bytes.every((byte) => byte === 0)), "the passphrases are wiped");
  assert.equal(log.entries.size, 1);
  await assert.rejects(openSignersWith({ signBySigstoreParamFile: `${folder}/absent` }), {
    code: "CONFIG_FILE_UNREADABLE",
  });
});

folderTest("a passphrase is the first line of its file", async (folder) => {
  const rows: [content: string, expected: string | undefined][] = [
    ["pw\nmore\n", "pw"],
    ["pw", "pw"],
    ["", ""],
    ["\nmore", ""],
    ["p w\r\n", "p w\r"],
    [`${"x".repeat(4096)}\n`, "x".repeat(4096)],
    ["x".repeat(4097), undefined],
  ];
  for (const [content, expected] of rows) {
    await Deno.writeTextFile(`${folder}/file`, content);
    const reading = readPassphraseFile(`${folder}/file`);
    if (expected === undefined) await assert.rejects(reading, { code: "LIMIT_EXCEEDED" });
    else assert.deepEqual(await reading, encode(expected), content);
  }
});
