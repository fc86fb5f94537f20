/** Signers who attach signatures to one image at the same time, in a registry without conditional requests. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { readAttached } from "../support/attachments.ts";
import { encode } from "../support/images.ts";

const TARGET = "registry.example/app:1";

Deno.test("eighteen signatures that six signers attach at the same time are all kept", async () => {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const open = () => ({
    fetch: (request: Request) => {
      for (const header of ["if-match", "if-none-match"]) request.headers.delete(header);
      return fetch(request);
    },
    dockerUseSigstoreAttachments: true,
  });
  const passphrase = encode("pw");
  const { privateKey } = await generateSigstoreKeyPair(passphrase);
  const { digest } = await create().push(TARGET, { systemContext: open() });
  let second = 0;
  // The payload contains the time in seconds: two signatures of one key in one second would be the same.
  const now = () => new Date(1000 * ++second);
  await using signer = await openSigstoreSigner(encode(privateKey), { passphrase, now });
  const sign = async () => {
    // As processes do: with connections of their own for each push.
    for (let i = 0; i < 3; i++) await create().push(TARGET, { systemContext: open(), signers: [signer] });
  };
  await Promise.all(Array.from({ length: 6 }, sign));
  const repository = new RegistryClient("registry.example", { fetch }).repository("app");
  assert.equal((await readAttached(repository, digest)).length, 18);
});
