/** Keys and signatures are exchanged with cosign in both directions. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { create, verify } from "../../mod.ts";
import {
  createPolicy,
  createSignaturePolicy,
  generateSigstoreKeyPair,
  openSigstoreSigner,
} from "../../src/signature/room.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode } from "../support/images.ts";
import { COSIGN } from "../support/oracles.ts";
import { type CommandResult, exec, ok } from "../support/peers.ts";
import { REGISTRIES } from "../support/registries.ts";
import { makeSigningWorld, sigstoreSigned } from "../support/signing_world.ts";

/** No log, and signatures where podman and skopeo look for them. */
const OLD_FORM = ["--new-bundle-format=false", "--allow-http-registry", "--allow-insecure-registry"];
/** The second lets it use referrers if a flag is set. */
const ENV = { COSIGN_PASSWORD: "pw", COSIGN_EXPERIMENTAL: "1" };
const PASSPHRASE = encode("pw");

/** Kinds of keys with which cosign 3 signs, over other hashes, what cosign 3 does not believe, nor anybody else. */
const UNUSABLE = ["p384", "ed25519"];

/** Whether cosign believes an image. */
function believes(publicKey: string, image: string, ...flags: string[]): Promise<CommandResult> {
  return exec([COSIGN, "verify", "--insecure-ignore-tlog", ...OLD_FORM, "--key", publicKey, ...flags, image], ENV);
}

/** Has cosign sign an image, or a list with all its instances. */
async function signs(privateKey: string, image: string, ...flags: string[]): Promise<void> {
  const quiet = ["--tlog-upload=false", "--use-signing-config=false", "--yes", "--recursive"];
  await ok([COSIGN, "sign", ...quiet, ...OLD_FORM, "--key", privateKey, ...flags, image], ENV);
}

/** Key pairs of all kinds, as files `<name>.key` and `<name>.pub`; returns the names. */
async function makeKeys(folder: string): Promise<string[]> {
  const ours = await generateSigstoreKeyPair(PASSPHRASE);
  await Deno.writeTextFile(`${folder}/ours.key`, ours.privateKey);
  await Deno.writeTextFile(`${folder}/ours.pub`, ours.publicKey);
  await ok([COSIGN, "generate-key-pair", "--output-key-prefix", `${folder}/cosign`], ENV);
  const imported = {
    p384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
    rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ed25519: generateKeyPairSync("ed25519"),
  };
  for (const [name, { privateKey }] of Object.entries(imported)) {
    const file = `${folder}/${name}.pem`;
    await Deno.writeTextFile(file, String(privateKey.export({ type: "pkcs8", format: "pem" })));
    await ok([COSIGN, "import-key-pair", "--key", file, "--output-key-prefix", `${folder}/${name}`], ENV);
  }
  return ["ours", "cosign", ...Object.keys(imported)];
}

const PEERS = ["docker-registry", "gpg", COSIGN];

folderTest(
  "cosign accepts a list and its instances signed here by any kind of key, and with no other key",
  async (folder) => {
    await using world = await makeSigningWorld(folder);
    const { registry, list, systemContext, digests } = world;
    const names = await makeKeys(folder);
    for (const [i, name] of names.entries()) {
      const key = await Deno.readFile(`${folder}/${name}.key`);
      await using signer = await openSigstoreSigner(key, { passphrase: PASSPHRASE });
      const { digest } = await list.push(`${registry.host}/${name}:1`, { systemContext, signers: [signer] });
      for (const image of [digest, ...digests].map((digest) => `${registry.host}/${name}@${digest}`)) {
        const believed = await believes(`${folder}/${name}.pub`, image);
        assert.equal(believed.code, 0, `${name}: ${believed.stderr}`);
        const [claim] = JSON.parse(believed.stdout);
        assert.equal(claim.critical.identity["docker-reference"], `${registry.host}/${name}:1`);
      }
      const other = `${folder}/${names[(i + 1) % names.length]}.pub`;
      assert.notEqual((await believes(other, `${registry.host}/${name}:1`)).code, 0, name);
    }
  },
  PEERS,
);

folderTest("signatures of cosign are accepted here, by repository or by the name given to it", async (folder) => {
  await using world = await makeSigningWorld(folder);
  const { registry, list, systemContext } = world;
  const names = await makeKeys(folder);
  for (const [i, name] of names.entries()) {
    const image = `${registry.host}/${name}`;
    const { digest } = await list.push(`${image}:1`, { systemContext });
    await signs(`${folder}/${name}.key`, `${image}@${digest}`);
    const judge = async (key: string, signedIdentity?: unknown) => {
      const publicKey = await Deno.readTextFile(`${folder}/${key}.pub`);
      const policy = createPolicy({ default: [sigstoreSigned(publicKey, signedIdentity)] });
      const { allowed, top, instances } = await verify(`docker://${image}:1`, { policy, systemContext });
      assert.equal(instances.size, 2);
      return allowed ? "allowed" : top.reasons[0]?.code;
    };
    const anyTag = { type: "matchRepository" };
    if (UNUSABLE.includes(name)) {
      assert.notEqual((await believes(`${folder}/${name}.pub`, `${image}:1`)).code, 0, name);
      assert.equal(await judge(name, anyTag), "SIGNATURE_INVALID", name);
      continue;
    }
    assert.equal(await judge(name, anyTag), "allowed", name);
    // cosign names the repository alone.
    assert.equal(await judge(name), "SIGNATURE_IDENTITY_MISMATCH", name);
    assert.equal(await judge(names[(i + 1) % names.length]!, anyTag), "SIGNATURE_INVALID", name);
    if (name !== "ours") continue;
    await signs(`${folder}/${name}.key`, `${image}@${digest}`, "--sign-container-identity", `${image}:1`);
    assert.equal(await judge(name), "allowed");
    const copy = create();
    await copy.add(`docker://${image}:1`, { systemContext, all: true });
    const push = async (key: string) => {
      const publicKey = await Deno.readTextFile(`${folder}/${key}.pub`);
      const signaturePolicy = createSignaturePolicy(createPolicy({ default: [sigstoreSigned(publicKey, anyTag)] }));
      return await copy.push(`${registry.host}/copy:1`, { systemContext, signaturePolicy });
    };
    await assert.rejects(push("cosign"), { code: "POLICY_REJECTED" });
    await push(name);
    assert.equal((await believes(`${folder}/${name}.pub`, `${registry.host}/copy@${copy.instances()[0]}`)).code, 0);
  }
}, PEERS);

for (const [name, start] of Object.entries(REGISTRIES)) {
  folderTest(`cosign reads our signatures that are referrers in ${name}, and we read its own`, async (folder) => {
    await using world = await makeSigningWorld(folder, start);
    const { registry: { host }, list, digests } = world;
    const systemContext = { ...world.systemContext, registryReferrersMode: "oci-1-1" as const };
    const pair = await generateSigstoreKeyPair(PASSPHRASE);
    await Deno.writeTextFile(`${folder}/ours.key`, pair.privateKey);
    await Deno.writeTextFile(`${folder}/ours.pub`, pair.publicKey);
    await using signer = await openSigstoreSigner(encode(pair.privateKey), { passphrase: PASSPHRASE });
    const { digest } = await list.push(`${host}/ours:1`, { systemContext, signers: [signer] });
    for (const image of [digest, ...digests].map((digest) => `${host}/ours@${digest}`)) {
      const believed = await believes(`${folder}/ours.pub`, image, "--experimental-oci11");
      assert.equal(believed.code, 0, believed.stderr);
      assert.notEqual((await believes(`${folder}/ours.pub`, image)).code, 0);
    }

    await list.push(`${host}/theirs:1`, { systemContext });
    await signs(`${folder}/ours.key`, `${host}/theirs@${digest}`, "--registry-referrers-mode=oci-1-1");
    const tags = await Array.fromAsync(clientOf(host).repository("theirs").listTags());
    assert.deepEqual(tags.filter((tag) => tag.endsWith(".sig")), []);
    const policy = createPolicy({ default: [sigstoreSigned(pair.publicKey, { type: "matchRepository" })] });
    const { allowed, top } = await verify(`docker://${host}/theirs:1`, { policy, systemContext });
    assert.ok(allowed, top.reasons[0]?.reason);
  }, PEERS);
}
