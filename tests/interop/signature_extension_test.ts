/** Signatures that a registry keeps itself: written by one tool, believed by the other. */
import assert from "node:assert/strict";
import { create, verify } from "../../mod.ts";
import {
  createPolicy,
  createSimpleSigner,
  generateSigstoreKeyPair,
  openPgpKey,
  openSigstoreSigner,
} from "../../src/signature/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { folderTest } from "../support/folders.ts";
import { makeGpgHome } from "../support/gpg.ts";
import { encode, makeImage, pushPlatforms } from "../support/images.ts";
import { exec } from "../support/peers.ts";
import { serve } from "../support/registries.ts";
import { addSignatureExtension } from "../support/signature_extension.ts";

const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64" }];
const DIGESTS = PLATFORMS.map((platform) => makeImage(platform).digest);

/** A registry with the extension and two images, a lookaside that stays empty, and skopeo. */
async function makeWorld(folder: string) {
  const extended = addSignatureExtension(createRegistry({ storage: createMemoryStorage() }));
  const registry = serve(extended.fetch);
  const home = await makeGpgHome();
  const fingerprint = await home.makeKey("me");
  const registriesDirPath = `${folder}/registries.d`;
  await Deno.mkdir(registriesDirPath);
  const lookaside = `${folder}/lookaside`;
  await Deno.writeTextFile(
    `${registriesDirPath}/a.yaml`,
    `default-docker:\n  lookaside: file://${lookaside}\n  use-sigstore-attachments: true\n`,
  );
  await pushPlatforms(registry.host, "unsigned", PLATFORMS);
  const requirement = {
    type: "signedBy",
    keyType: "GPGKeys",
    keyData: (await home.exportKeys(fingerprint)).toBase64(),
  };
  const transports = { docker: { [registry.host]: [requirement] }, dir: { "": [{ type: "insecureAcceptAnything" }] } };
  const document = { default: [{ type: "reject" }], transports };
  await Deno.writeTextFile(`${folder}/policy.json`, JSON.stringify(document));
  const skopeo = (policy: string[], ...args: string[]) =>
    exec(["skopeo", ...policy, "--registries.d", registriesDirPath, "copy", "-q", ...args], home.env);
  return {
    extended,
    registry,
    home,
    fingerprint,
    lookaside,
    systemContext: { dockerInsecureSkipTlsVerify: true, registriesDirPath },
    policy: createPolicy(document),
    skopeo,
    withPolicy: ["--policy", `${folder}/policy.json`],
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const PEERS = ["skopeo", "gpg"];

folderTest("signatures that skopeo writes to a registry are accepted here, and copied on", async (folder) => {
  await using world = await makeWorld(folder);
  const { registry, home, fingerprint, systemContext, policy, skopeo, extended } = world;
  const [from, to] = [`docker://${registry.host}/unsigned:amd64`, `docker://${registry.host}/app:1`];
  const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const signed = await skopeo(["--insecure-policy"], ...plain, "--sign-by", fingerprint, from, to);
  assert.equal(signed.code, 0, signed.stderr);
  assert.equal(extended.signatures.get(`app@${DIGESTS[0]}`)?.length, 1);
  assert.ok((await verify(to, { policy, systemContext })).allowed);
  const other = await home.makeKey("other");
  const stranger = createPolicy({
    default: [{ type: "signedBy", keyType: "GPGKeys", keyData: (await home.exportKeys(other)).toBase64() }],
  });
  const { top } = await verify(to, { policy: stranger, systemContext });
  assert.equal(top.reasons[0]?.code, "SIGNATURE_KEY_UNKNOWN");
  assert.equal((await verify(from, { policy, systemContext })).top.reasons[0]?.code, "SIGNATURE_MISSING");
  const list = create();
  await list.add(to, { systemContext });
  await list.push(`dir:${folder}/list`, { systemContext });
  assert.ok((await Deno.stat(`${folder}/list/${DIGESTS[0]!.slice(7)}.signature-1`)).isFile);
  await assert.rejects(Deno.stat(world.lookaside), Deno.errors.NotFound);
}, PEERS);

folderTest("signatures written here to a registry are accepted by skopeo, next to attachments", async (folder) => {
  await using world = await makeWorld(folder);
  const { registry, home, fingerprint, systemContext, policy, skopeo, extended } = world;
  const pair = await generateSigstoreKeyPair(encode("pw"));
  await using simple = createSimpleSigner(await openPgpKey(await home.exportSecret(fingerprint)));
  await using sigstore = await openSigstoreSigner(encode(pair.privateKey), { passphrase: encode("pw") });
  const list = create();
  for (const { architecture } of PLATFORMS) {
    await list.add(`docker://${registry.host}/unsigned:${architecture}`, { systemContext });
  }
  const target = `docker://${registry.host}/app:1`;
  const copied = async (name: string) => {
    const { code, stderr } = await skopeo(
      world.withPolicy,
      "--all",
      "--src-tls-verify=false",
      target,
      `dir:${folder}/${name}`,
    );
    return { code, stderr };
  };
  await list.push(target, { systemContext });
  assert.match((await copied("unsigned")).stderr, /A signature was required, but no signature exists/);
  const { digest } = await list.push(target, { systemContext, signers: [sigstore, simple] });
  const { code, stderr } = await copied("signed");
  assert.equal(code, 0, stderr);
  const kept = [...extended.signatures].map(([key, { length }]) => [key, length]).toSorted();
  assert.deepEqual(kept, [...DIGESTS, digest].map((one) => [`app@${one}`, 1]).toSorted());
  // Those that the registry keeps come first, then those that are attached, as skopeo has them too.
  const kinds = async (name: string) => (await Deno.readFile(`${folder}/signed/${name}`))[0] === 0;
  assert.deepEqual([await kinds("signature-1"), await kinds("signature-2")], [false, true]);
  assert.ok((await verify(target, { policy, systemContext })).allowed);
  await assert.rejects(Deno.stat(world.lookaside), Deno.errors.NotFound);
}, PEERS);
