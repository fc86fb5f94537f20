/** Lists are signed as they are pushed; skopeo and `verify` accept them under a policy that requires these signatures. */
import assert from "node:assert/strict";
import { create, describeImage, loadFromImage, type PushOptions, verify } from "../../mod.ts";
import { openGpgKey } from "../../src/signature/gpg/room.ts";
import {
  createPolicy,
  createSimpleSigner,
  generateSigstoreKeyPair,
  openSigstoreSigner,
} from "../../src/signature/room.ts";
import { cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { makeGpgHome } from "../support/gpg.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { encode, makeImage, pushImage } from "../support/images.ts";
import { exec, ok } from "../support/peers.ts";
import { makeSigningWorld, signedBy, sigstoreSigned } from "../support/signing_world.ts";
import { makeStore } from "../support/stores.ts";

const PEERS = ["skopeo", "docker-registry", "gpg"];

folderTest(
  "a list signed with both kinds is accepted by policies for either, and with no other key or name",
  async (folder) => {
    await using world = await makeSigningWorld(folder);
    const { registry, home, list, systemContext, digests } = world;
    const [fingerprint, other] = [await home.makeKey("me", { passphrase: "pw" }), await home.makeKey("other")];
    const pair = await generateSigstoreKeyPair(encode("pw"));
    const key = await openGpgKey(fingerprint, { homedir: home.folder, passphrase: encode("pw") });
    await using simple = createSimpleSigner(key);
    await using sigstore = await openSigstoreSigner(encode(pair.privateKey), { passphrase: encode("pw") });
    const target = `docker://${registry.host}/signed:1`;
    let lines = "";
    const { digest } = await list.push(target, {
      systemContext,
      signers: [simple, sigstore],
      reportWriter: { write: (text) => lines += text },
    });
    assert.equal(lines.match(/Creating signature: Signing image using simple signing\n/g)?.length, 3);
    assert.equal(lines.match(/Creating signature: Signing image using a sigstore signature\n/g)?.length, 3);
    const kept = await Array.fromAsync(Deno.readDir(`${folder}/lookaside`), ({ name }) => name);
    assert.deepEqual(kept.sort(), [...digests, digest].map((d) => `signed@${d.replace(":", "=")}`).sort());

    const keysOf = (fingerprint: string) => home.exportKeys(fingerprint);
    const believed = await world.skopeo(
      await world.policyFile("good.json", signedBy(await keysOf(fingerprint))),
      target,
    );
    assert.equal(believed.code, 0, believed.stderr);
    const elsewhere = { type: "exactRepository", dockerRepository: `${registry.host}/else` };
    const rows: [unknown, boolean, string?][] = [
      [signedBy(await keysOf(fingerprint)), true],
      [signedBy(await keysOf(other)), false, "SIGNATURE_KEY_UNKNOWN"],
      [signedBy(await keysOf(fingerprint), elsewhere), false, "SIGNATURE_IDENTITY_MISMATCH"],
      [sigstoreSigned(pair.publicKey, { type: "matchRepository" }), true],
      [sigstoreSigned((await generateSigstoreKeyPair(encode(""))).publicKey), false, "SIGNATURE_INVALID"],
    ];
    for (const [requirement, allowed, code] of rows) {
      const policy = createPolicy({ default: [requirement] });
      const verdict = await verify(target, { policy, systemContext });
      assert.deepEqual([verdict.allowed, verdict.instances.size, verdict.digest], [allowed, 2, digest]);
      assert.equal(verdict.top.reasons[0]?.code, code);
      if ((requirement as { type: string }).type !== "signedBy") continue;
      const { code: exit } = await world.skopeo(await world.policyFile("row.json", requirement), target);
      assert.equal(exit === 0, allowed);
    }
    // Signed once more, each signature is there once: with those of the sigstore kind, of one second.
    await list.push(target, { systemContext, signers: [simple], removeSignatures: true });
    const again = await world.skopeo(`${folder}/good.json`, target);
    assert.equal(again.code, 0, again.stderr);
  },
  PEERS,
);

folderTest("signatures are copied with instances, which then must not change", async (folder) => {
  await using world = await makeSigningWorld(folder);
  const { registry, home, list, systemContext, digests } = world;
  const fingerprint = await home.makeKey("me");
  await using signer = createSimpleSigner(await openGpgKey(fingerprint, { homedir: home.folder }));
  const signed = `docker://${registry.host}/signed`;
  await list.push(`${signed}:1`, { systemContext, signers: [signer] });
  const copy = create();
  await copy.add(`${signed}:1`, { systemContext, all: true });
  copy.setAnnotations(undefined, { another: "list" });

  await copy.push(`dir:${folder}/copy`, { systemContext });
  const names = await Array.fromAsync(Deno.readDir(`${folder}/copy`), ({ name }) => name);
  const signatures = names.filter((name) => name.includes("signature-"));
  assert.deepEqual(signatures.sort(), digests.map((digest) => `${digest.slice(7)}.signature-1`).sort());
  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  const rows: [string, PushOptions, string][] = [
    [`dir:${folder}/other`, { manifestType: docker }, "CANNOT_MODIFY"],
    [`dir:${folder}/other`, { addCompression: ["zstd"] }, ""],
    [`oci:${folder}/layout:1`, {}, "SIGNATURES_NOT_SUPPORTED"],
    [`docker-archive:${folder}/a.tar`, { imageListSelection: "system" }, "SIGNATURES_NOT_SUPPORTED"],
  ];
  for (const [target, options, code] of rows) {
    const pushed = copy.push(target, { systemContext, ...options });
    if (code) await assert.rejects(pushed, { code }, target);
    else await pushed;
    if (code) await copy.push(target, { systemContext, ...options, removeSignatures: true });
  }
  // The signatures of a folder are read by skopeo, and what skopeo copies with signatures is read here.
  await ok([
    ...["skopeo", "--insecure-policy", "--registries.d", systemContext.registriesDirPath, "copy", "-q", "--all"],
    ...["--dest-tls-verify=false", `dir:${folder}/copy`, `${signed}:2`],
  ]);
  const policy = createPolicy({
    default: [signedBy(await home.exportKeys(fingerprint), { type: "matchRepository" })],
  });
  const verdict = await verify(`${signed}:2`, { policy, systemContext });
  assert.deepEqual([...verdict.instances.values()].map(({ allowed }) => allowed), [true, true]);
  // The list itself has other bytes, which nobody signed: podman and skopeo do not check that.
  assert.equal(verdict.top.reasons[0]?.code, "SIGNATURE_MISSING");
}, PEERS);

folderTest("a push with signatures that cannot be made or kept fails before anything is written", async (folder) => {
  await using world = await makeSigningWorld(folder);
  const { registry, list, systemContext } = world;
  const pair = await generateSigstoreKeyPair(encode("pw"));
  await Deno.writeTextFile(`${folder}/key`, pair.privateKey);
  const key = { signBySigstorePrivateKeyFile: `${folder}/key`, signSigstorePrivateKeyPassphrase: "pw" };
  const target = `docker://${registry.host}/none:1`;
  const rows: [string, PushOptions, string][] = [
    [target, { ...key, signSigstorePrivateKeyPassphrase: "wrong" }, "PASSPHRASE_WRONG"],
    [target, { signBySigstorePrivateKeyFile: `${folder}/key` }, "PASSPHRASE_REQUIRED"],
    [target, { ...key, signBySigstorePrivateKeyFile: `${folder}/absent` }, "CONFIG_FILE_UNREADABLE"],
    [target, { signBy: "F".repeat(40) }, "KEY_UNKNOWN"],
    [target, { ...key, signIdentity: "a.b/c" }, "INVALID_REFERENCE"],
    [
      target,
      { ...key, systemContext: { ...systemContext, dockerUseSigstoreAttachments: false } },
      "SIGNATURES_NOT_SUPPORTED",
    ],
    [`dir:${folder}/dir`, key, "INVALID_REFERENCE"],
  ];
  for (const [target, options, code] of rows) {
    await assert.rejects(list.push(target, { systemContext, ...options }), { code }, code);
  }
  assert.equal((await exec(["skopeo", "list-tags", "--tls-verify=false", `docker://${registry.host}/none`])).code, 1);
  await list.push(`dir:${folder}/dir`, { systemContext, ...key, signIdentity: "a.b/c:1" });
  const names = await Array.fromAsync(Deno.readDir(`${folder}/dir`), ({ name }) => name);
  assert.equal(names.filter((name) => name.includes("signature-")).length, 3);
}, PEERS);

folderTest("the caller's policy is evaluated against the source of each instance", async (folder) => {
  await using world = await makeSigningWorld(folder);
  const { registry, home, list, systemContext } = world;
  const fingerprint = await home.makeKey("me");
  await using signer = createSimpleSigner(await openGpgKey(fingerprint, { homedir: home.folder }));
  const { createSignaturePolicy } = await import("../../src/signature/room.ts");
  const policy = createPolicy({
    default: [{ type: "reject" }],
    transports: {
      docker: { [registry.host]: [signedBy(await home.exportKeys(fingerprint), { type: "matchRepository" })] },
    },
  });
  const signaturePolicy = createSignaturePolicy(policy);
  const target = `docker://${registry.host}/judged:1`;
  await assert.rejects(list.push(target, { systemContext, signaturePolicy }), { code: "POLICY_REJECTED" });
  await list.push(`docker://${registry.host}/app:all`, { systemContext, signers: [signer] });
  await list.push(target, { systemContext, signaturePolicy, removeSignatures: true });
}, PEERS);

folderTest("podman's flags sign: by GnuPG and by sigstore", async (folder) => {
  await using world = await makeSigningWorld(folder);
  await using at = await makeStore();
  const { registry, home, list, systemContext } = world;
  await list.saveToImage(at.store, { names: ["app"] });
  const fingerprint = await home.makeKey("me", { passphrase: "pw" });
  const { list: loaded } = await loadFromImage(at.store, "app");
  assert.equal(loaded.size, 2);
  await Deno.writeTextFile(`${folder}/passphrase`, "pw\n");
  const target = `docker://${registry.host}/cli:1`;
  const flags = [
    "--tls-verify=false",
    "--all",
    "--sign-by",
    fingerprint,
    "--sign-passphrase-file",
    `${folder}/passphrase`,
  ];
  const env = { ...home.env, HOME: folder };
  await Deno.mkdir(`${folder}/.config/containers`, { recursive: true });
  await Deno.rename(systemContext.registriesDirPath, `${folder}/.config/containers/registries.d`);
  await cliOk([...at.flags, "push", ...flags, "app", target], env);
  await Deno.rename(`${folder}/.config/containers/registries.d`, systemContext.registriesDirPath);
  const policy = await world.policyFile("cli.json", signedBy(await home.exportKeys(fingerprint)));
  const believed = await world.skopeo(policy, target);
  assert.equal(believed.code, 0, believed.stderr);
  const described = await describeImage(target, { systemContext });
  assert.deepEqual([described, ...described.instances].map(({ signatures }) => signatures), [1, 1, 1]);
}, PEERS);

folderTest("a hundred instances are signed at once, each once", async (folder) => {
  await using home = await makeGpgHome();
  const fingerprint = await home.makeKey("me");
  await using signer = createSimpleSigner(await openGpgKey(fingerprint, { homedir: home.folder }));
  const registry = createRegistry({ storage: createMemoryStorage() });
  const repository = new RegistryClient("registry.example", { fetch: registry.fetch }).repository("app");
  const list = create();
  const systemContext = { fetch: registry.fetch };
  const names = Array.from({ length: 100 }, (_, i) => `arch${i}`);
  for (const architecture of names) await pushImage(repository, makeImage({ architecture }), architecture);
  await list.addAll(names.map((name) => `registry.example/app:${name}`), { systemContext });
  await list.push(`dir:${folder}/out`, { systemContext, signers: [signer], signIdentity: "registry.example/app:1" });
  const files = await Array.fromAsync(Deno.readDir(`${folder}/out`), ({ name }) => name);
  assert.equal(files.filter((name) => name.includes("signature-1")).length, 101);
  assert.equal(files.filter((name) => name.includes("signature-2")).length, 0);
}, ["gpg"]);
