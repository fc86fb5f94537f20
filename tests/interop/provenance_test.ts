/** Provenance of assemblies: both versions of cosign accept ours, and we accept and tell theirs. */
import assert from "node:assert/strict";
import { copyImage, describeImage, type Descriptor } from "../../mod.ts";
import { attestAssembly, type AttestOptions } from "../../src/actions/attestations/attest.ts";
import { verifyAttestationsWith } from "../../src/actions/room.ts";
import {
  acceptAnything,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  PROVENANCE_TYPE,
} from "../../src/signature/room.ts";
import { REMOTE_RUNTIME } from "../../src/system/remote/room.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode } from "../support/images.ts";
import { COSIGN, COSIGN_2 } from "../support/oracles.ts";
import { type CommandResult, exec, ok } from "../support/peers.ts";
import { REGISTRIES } from "../support/registries.ts";
import { makeSigningWorld } from "../support/signing_world.ts";

const PEERS = ["docker-registry", "gpg", COSIGN, COSIGN_2];
const PASSPHRASE = encode("pw");
const ENV = { COSIGN_PASSWORD: "pw" };
const HTTP = ["--allow-http-registry", "--allow-insecure-registry"];

/** Makes a key pair as files `NAME.key` and `NAME.pub`, and its signer. */
async function makeKey(folder: string, name: string) {
  const { privateKey, publicKey } = await generateSigstoreKeyPair(PASSPHRASE);
  await Deno.writeTextFile(`${folder}/${name}.key`, privateKey);
  await Deno.writeTextFile(`${folder}/${name}.pub`, publicKey);
  const signer = await openSigstoreSigner(encode(privateKey), { passphrase: PASSPHRASE });
  return { signer, publicKey: encode(publicKey), key: `${folder}/${name}.key`, pub: `${folder}/${name}.pub` };
}

/** The two versions of cosign, each with the flags by which it judges bundles without a log and a network. */
async function makeCosigns(folder: string): Promise<[name: string, program: string, flags: string[]][]> {
  const root = `${folder}/root.json`;
  await ok([COSIGN_2, "trusted-root", "create", "--out", root]);
  return [
    ["cosign 2", COSIGN_2, ["--insecure-ignore-tlog", "--new-bundle-format", "--trusted-root", root]],
    ["cosign 3", COSIGN, ["--insecure-ignore-tlog"]],
  ];
}

type World = Awaited<ReturnType<typeof makeSigningWorld>>;

/** Pushes the list of a world and returns its descriptor. */
async function push(
  { list, registry: { host }, systemContext }: World,
  path: string,
  signers: AttestOptions["signer"][] = [],
) {
  const name = `${host}/${path}:1`;
  const { digest, mediaType } = await list.push(name, { systemContext, signers });
  const { bytes } = await clientOf(host).repository(path).getManifest(digest);
  const subject: Descriptor = { mediaType, digest, size: bytes.length };
  return { name, subject };
}

async function attest(world: World, path: string, subject: Descriptor, options: Omit<AttestOptions, "systemContext">) {
  const { registry: { host }, digests, systemContext } = world;
  const reference = REMOTE_RUNTIME.host.transports.parseImageName(`docker://${host}/${path}:1`);
  const sources = digests.map((digest, i) => ({
    name: `${host}/app:${i}`,
    reference: reference.dockerReference,
    digest,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    entries: [digest],
  }));
  const at = new Date();
  const assembly = { parameters: {}, internalParameters: {}, sources, builder: {}, startedOn: at, finishedOn: at };
  const context = { ...systemContext, dockerUseSigstoreAttachments: true };
  await attestAssembly(REMOTE_RUNTIME, { reference, subjects: [subject], assembly }, {
    ...options,
    systemContext: context,
  });
}

for (const [name, start] of Object.entries(REGISTRIES)) {
  folderTest(`both versions of cosign accept our provenance, as a bundle and under a tag: ${name}`, async (folder) => {
    await using world = await makeSigningWorld(folder, start);
    const { registry: { host }, systemContext } = world;
    const ours = await makeKey(folder, "ours"), other = await makeKey(folder, "other");
    const cosigns = await makeCosigns(folder);
    for (const as of ["bundle", "tag"] as const) {
      const { subject } = await push(world, as);
      await attest(world, as, subject, { signer: ours.signer, as });
      for (const [version, program, flags] of cosigns) {
        const old = version === "cosign 2"
          ? ["--insecure-ignore-tlog"]
          : ["--insecure-ignore-tlog", "--new-bundle-format=false"];
        const chosen = as === "bundle" ? flags : old;
        const verify = (pub: string, type: string): Promise<CommandResult> =>
          exec(
            [program, "verify-attestation", ...chosen, ...HTTP, "--key", pub, "--type", type, `${host}/${as}:1`],
            ENV,
          );
        for (const type of ["slsaprovenance1", PROVENANCE_TYPE]) {
          const { code, stdout, stderr } = await verify(ours.pub, type);
          assert.equal(code, 0, `${version}, ${as}, ${type}: ${stderr}`);
          const { payload } = JSON.parse(stdout);
          assert.match(atob(payload), /"predicateType":"https:\/\/slsa.dev\/provenance\/v1"/);
        }
        assert.notEqual((await verify(other.pub, PROVENANCE_TYPE)).code, 0);
        assert.notEqual((await verify(ours.pub, "slsaprovenance")).code, 0);
      }
      const check = (publicKey: Uint8Array) =>
        verifyAttestationsWith(REMOTE_RUNTIME, `${host}/${as}:1`, {
          publicKeys: [publicKey],
          assembly: true,
          systemContext,
        });
      const { allowed, attestations } = await check(ours.publicKey);
      assert.ok(allowed, JSON.stringify(attestations));
      assert.equal((await check(other.publicKey)).attestations[0]?.refusal?.code, "SIGNATURE_INVALID");
    }
  }, PEERS);
}

folderTest("both versions of cosign still accept the signatures of an image that gets provenance", async (folder) => {
  await using world = await makeSigningWorld(folder);
  const { registry: { host } } = world;
  const a = await makeKey(folder, "a"), b = await makeKey(folder, "b");
  const cosigns = await makeCosigns(folder);
  const believe = async (path: string, pub: string, form: "old" | "bundle") => {
    const found: string[] = [];
    for (const [version, program, flags] of cosigns) {
      const old = version === "cosign 2"
        ? ["--insecure-ignore-tlog"]
        : ["--insecure-ignore-tlog", "--new-bundle-format=false"];
      const chosen = form === "bundle" || version === "cosign 3" ? flags : old;
      const { code } = await exec([program, "verify", ...chosen, ...HTTP, "--key", pub, `${host}/${path}:1`], ENV);
      if (code === 0) found.push(version);
    }
    return found;
  };
  const both = ["cosign 2", "cosign 3"];
  const { subject } = await push(world, "refused", [a.signer]);
  assert.deepEqual(await believe("refused", a.pub, "old"), both);
  await assert.rejects(attest(world, "refused", subject, { signer: b.signer }), { code: "SIGNATURES_HIDDEN" });
  assert.deepEqual(await believe("refused", a.pub, "old"), both);

  await push(world, "tag", [a.signer]);
  await attest(world, "tag", subject, { signer: b.signer, as: "tag" });
  assert.deepEqual(await believe("tag", a.pub, "old"), both);

  await push(world, "together", [a.signer]);
  await attest(world, "together", subject, { signer: b.signer, imageSigners: [a.signer] });
  assert.deepEqual(await believe("together", a.pub, "bundle"), both);

  await push(world, "same", [a.signer]);
  await attest(world, "same", subject, { signer: a.signer, imageSigners: [a.signer] });
  assert.deepEqual(await believe("same", a.pub, "bundle"), both);
  // The second time, nothing is written.
  const referrers = async (path: string) =>
    await Array.fromAsync(clientOf(host).repository(path).listReferrers(subject.digest));
  for (const [path, signer, count] of [["same", a.signer, 1], ["together", b.signer, 2]] as const) {
    await attest(world, path, subject, { signer, imageSigners: [a.signer] });
    assert.equal((await referrers(path)).length, count, path);
  }
}, PEERS);

for (const [name, start] of Object.entries(REGISTRIES)) {
  folderTest(`attestations and signatures of both versions of cosign are distinguished: ${name}`, async (folder) => {
    await using world = await makeSigningWorld(folder, start);
    const { registry: { host }, systemContext } = world;
    const a = await makeKey(folder, "a"), b = await makeKey(folder, "b");
    const SPDX = "https://spdx.dev/Document";
    await Deno.writeTextFile(`${folder}/sbom.json`, JSON.stringify({ spdxVersion: "SPDX-2.3" }));
    const quiet = ["--tlog-upload=false", "--yes", ...HTTP, "--key", a.key];
    const forms = [
      ["two-tag", COSIGN_2, ["--new-bundle-format=false"], "tag"],
      ["two-bundle", COSIGN_2, ["--new-bundle-format"], "bundle"],
      ["three-tag", COSIGN, ["--use-signing-config=false", "--new-bundle-format=false"], "tag"],
      ["three-bundle", COSIGN, ["--use-signing-config=false"], "bundle"],
    ] as const;
    for (const [path, program, flags, form] of forms) {
      const { name, subject: { digest } } = await push(world, path);
      const image = `${host}/${path}@${digest}`;
      const attestation = ["--type", "spdxjson", "--predicate", `${folder}/sbom.json`];
      await ok([program, "attest", ...quiet, ...flags, ...attestation, image], ENV);
      await ok([program, "sign", ...quiet, ...flags, image], ENV);
      const check = (key: { publicKey: Uint8Array }, image: string) =>
        verifyAttestationsWith(REMOTE_RUNTIME, image, {
          publicKeys: [key.publicKey],
          predicateType: SPDX,
          systemContext,
        });
      const { allowed, attestations } = await check(a, name);
      assert.ok(allowed, path);
      assert.deepEqual(attestations.map((one) => [one.form, one.predicate]), [[form, { spdxVersion: "SPDX-2.3" }]]);
      assert.equal((await check(b, name)).allowed, false);
      const { attestations: listed } = await describeImage(name, { systemContext });
      assert.ok(listed.some((one) => one.form === form && one.predicateType === SPDX), JSON.stringify(listed));
      if (form === "tag") continue;
      // Without signatures, the attestation remains.
      const options = { systemContext, signaturePolicy: acceptAnything, referrers: true };
      await copyImage(name, `${host}/all-${path}:1`, options);
      await copyImage(name, `${host}/some-${path}:1`, { ...options, removeSignatures: true });
      const counts = await Promise.all(
        ["all", "some"].map(async (kind) =>
          (await Array.fromAsync(clientOf(host).repository(`${kind}-${path}`).listReferrers(digest))).length
        ),
      );
      assert.deepEqual(counts, [2, 1], path);
      assert.ok((await check(a, `${host}/some-${path}:1`)).allowed);
    }
  }, PEERS);
}
