/** Signers who attach signatures to one image at the same time, in a registry without conditional requests. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { readAttached } from "../support/attachments.ts";
import { encode } from "../support/images.ts";
import { HeldTimers, runPending } from "../support/timers.ts";

const TARGET = "registry.example/app:1";

async function openSigner(now?: () => Date) {
  const passphrase = encode("pw");
  const { privateKey } = await generateSigstoreKeyPair(passphrase);
  return await openSigstoreSigner(encode(privateKey), { passphrase, now });
}

Deno.test("eighteen signatures that six signers attach at the same time are all kept", async () => {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const open = () => ({
    fetch: (request: Request) => {
      for (const header of ["if-match", "if-none-match"]) request.headers.delete(header);
      return fetch(request);
    },
    dockerUseSigstoreAttachments: true,
  });
  const { digest } = await create().push(TARGET, { systemContext: open() });
  let second = 0;
  // The payload contains the time in seconds: two signatures of one key in one second would be the same.
  const now = () => new Date(1000 * ++second);
  await using signer = await openSigner(now);
  const sign = async () => {
    // As processes do: with connections of their own for each push.
    for (let i = 0; i < 3; i++) await create().push(TARGET, { systemContext: open(), signers: [signer] });
  };
  await Promise.all(Array.from({ length: 6 }, sign));
  const repository = new RegistryClient("registry.example", { fetch }).repository("app");
  assert.equal((await readAttached(repository, digest)).length, 18);
});

Deno.test("a signer reads the attachment again after its uploads, and waits for slower signers as long as all that took", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  await using signer = await openSigner();
  const [read, write] = ["GET /manifests/signatures", "PUT /manifests/signatures"];
  const [session, upload] = ["POST /blobs/uploads", "PUT /blobs/uploads"];
  const durations: Record<string, number> = { GET: 20, POST: 30, PUT: 45 };
  // Two reads, two sessions, two uploads and the write of the manifest.
  using timers = new HeldTimers(2 * 20 + 2 * 30 + 2 * 45 + 45);
  const { now } = performance;
  let clock = 0;
  const log: string[] = [];
  const written = Promise.withResolvers<void>();
  const fetch = async (request: Request) => {
    clock += durations[request.method] ?? 0;
    const { pathname } = new URL(request.url);
    const response = await registry.fetch(request);
    const path = pathname.replace("/v2/app", "").replace(/sha256-.*/, "signatures").replace(/uploads\/.*/, "uploads");
    log.push(`${request.method} ${path}`);
    if (log.at(-1) === write) written.resolve();
    return response;
  };
  try {
    performance.now = () => clock;
    const systemContext = { fetch, dockerUseSigstoreAttachments: true };
    const pushing = create().push(TARGET, { systemContext, signers: [signer] });
    await written.promise;
    await runPending();
    timers.fire();
    await pushing;
  } finally {
    performance.now = now;
  }
  assert.deepEqual(
    log.slice(log.indexOf(read)),
    [read, session, session, upload, upload, read, write, read],
  );
});
