/** Signers that options name. */
import assert from "node:assert/strict";
import { generateSigstoreKeyPair } from "../../src/signature/mod.ts";
import { openSigners } from "../../src/signature/files/mod.ts";
import { parseReference } from "../../src/spec/mod.ts";
import { folderTest } from "../support/folders.ts";
import { makeGpgHome } from "../support/gpg.ts";
import { encode } from "../support/images.ts";

folderTest("the keys that options name sign, in their order, or nothing does", async (folder) => {
  await using home = await makeGpgHome();
  const signBy = await home.makeKey("one", { passphrase: "s3cret" });
  await home.forget();
  const passphrase = encode("other");
  const { privateKey } = await generateSigstoreKeyPair(passphrase);
  const file = `${folder}/key.private`;
  await Deno.writeTextFile(file, privateKey);
  const before = Deno.env.get("GNUPGHOME");
  Deno.env.set("GNUPGHOME", home.folder);
  try {
    const sigstore = { signBySigstorePrivateKeyFile: file, signSigstorePrivateKeyPassphrase: passphrase };
    const signPassphrase = encode("s3cret");
    const signers = await openSigners({ signBy, signPassphrase, ...sigstore });
    signPassphrase.fill(0);
    const kinds: string[] = [];
    for (const signer of signers) {
      kinds.push((await signer.sign(encode("{}"), parseReference("a.b/c:1"))).kind);
      await signer[Symbol.asyncDispose]?.();
    }
    assert.deepEqual(kinds, ["simple", "sigstore"]);
    assert.deepEqual(await openSigners({}), []);
    const rows: [options: Parameters<typeof openSigners>[0], code: string][] = [
      [{ signBy: "nobody@example.com" }, "KEY_UNKNOWN"],
      [{ signBy, signBySigstorePrivateKeyFile: `${folder}/none` }, "CONFIG_FILE_UNREADABLE"],
      [{ signBySigstorePrivateKeyFile: file }, "PASSPHRASE_REQUIRED"],
      [{ ...sigstore, signSigstorePrivateKeyPassphrase: encode("") }, "PASSPHRASE_WRONG"],
    ];
    for (const [options, code] of rows) await assert.rejects(openSigners(options), { code });
  } finally {
    if (before === undefined) Deno.env.delete("GNUPGHOME");
    else Deno.env.set("GNUPGHOME", before);
  }
}, ["gpg"]);
