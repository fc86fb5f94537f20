/** Signed images in a registry, with signatures in a lookaside: signed by one tool, accepted by the other. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import {
  createPolicy,
  createSimpleSigner,
  evaluatePolicy,
  openPgpKey,
  parseSignature,
  type Signature,
} from "../../src/signature/room.ts";
import { type Digest, parseReference } from "../../src/spec/room.ts";
import { folderTest } from "../support/folders.ts";
import { type GpgHome, makeGpgHome } from "../support/gpg.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { exec } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";

const image = makeImage({ architecture: "amd64" });

/** A registry whose signatures are in a folder, and what skopeo needs to know of both. */
async function prepare(folder: string, host: string, home: GpgHome, fingerprint: string) {
  const keyPath = `${folder}/key.gpg`;
  await Deno.writeFile(keyPath, await home.exportKeys(fingerprint));
  const requirement = { type: "signedBy", keyType: "GPGKeys", keyPath };
  const document = { default: [{ type: "reject" }], transports: { docker: { [`${host}/team`]: [requirement] } } };
  await Deno.writeTextFile(`${folder}/policy.json`, JSON.stringify(document));
  await Deno.mkdir(`${folder}/registries.d`);
  await Deno.writeTextFile(
    `${folder}/registries.d/a.yaml`,
    `default-docker:\n  lookaside: file://${folder}/lookaside\n`,
  );
  const skopeo = (global: string[], ...args: string[]) =>
    exec(["skopeo", ...global, "--registries.d", `${folder}/registries.d`, "copy", ...args], home.env);
  const files = (digest: Digest) => `${folder}/lookaside/team/app@${digest.replace(":", "=")}`;
  return { policy: createPolicy(document), skopeo, files, withPolicy: ["--policy", `${folder}/policy.json`] };
}

folderTest("signatures that skopeo makes while copying are accepted here under the same policy", async (folder) => {
  await using home = await makeGpgHome();
  await using registry = startEmbedded();
  const fingerprint = await home.makeKey("one");
  const { policy, skopeo, files } = await prepare(folder, registry.host, home, fingerprint);
  await pushImage(clientOf(registry.host).repository("unsigned"), image, "1");
  const plain = ["--src-tls-verify=false", "--dest-tls-verify=false", "--sign-by", fingerprint];
  const [from, to] = [`docker://${registry.host}/unsigned:1`, `docker://${registry.host}/team/app:1`];
  const { code, stderr } = await skopeo(["--insecure-policy"], ...plain, from, to);
  assert.equal(code, 0, stderr);

  const signature = parseSignature(await Deno.readFile(`${files(image.digest)}/signature-1`));
  const judge = async (name: string, signatures: Signature[], manifest = image.manifest) => {
    const reference = parseImageName(name);
    const decision = {
      transport: reference.transport,
      identity: reference.policyConfigurationIdentity,
      namespaces: reference.policyConfigurationNamespaces,
      dockerReference: reference.dockerReference,
      digest: image.digest,
      manifest,
      readSignatures: () => Promise.resolve(signatures),
    };
    const readFile = (path: string) => Deno.readFile(path);
    const { allowed, signed, reasons } = await evaluatePolicy(decision, policy, { readFile });
    return allowed ? (signed ? "signed" : "allowed") : reasons[0]!.code;
  };
  const repository = `docker://${registry.host}/team/app`;
  assert.equal(await judge(to, [signature]), "signed");
  assert.equal(await judge(`${repository}@${image.digest}`, [signature]), "signed");
  assert.equal(await judge(`${repository}:2`, [signature]), "SIGNATURE_IDENTITY_MISMATCH");
  assert.equal(await judge(to, []), "SIGNATURE_MISSING");
  assert.equal(await judge(from, [signature]), "POLICY_REJECTED");
}, ["skopeo", "gpg"]);

folderTest("under a policy skopeo copies images signed here, and no others", async (folder) => {
  await using home = await makeGpgHome();
  await using registry = startEmbedded();
  const fingerprint = await home.makeKey("one");
  const { skopeo, files, withPolicy } = await prepare(folder, registry.host, home, fingerprint);
  const repository = clientOf(registry.host).repository("team/app");
  for (const tag of ["1", "2"]) await pushImage(repository, image, tag);
  const copy = (tag: string) =>
    skopeo(withPolicy, "--src-tls-verify=false", `docker://${registry.host}/team/app:${tag}`, `dir:${folder}/copy`);
  const place = async (key: string, tag: string) => {
    await using signer = createSimpleSigner(await openPgpKey(await home.exportSecret(key)));
    const { bytes } = await signer.sign(image.manifest, parseReference(`${registry.host}/team/app:${tag}`));
    await Deno.mkdir(files(image.digest), { recursive: true });
    await Deno.writeFile(`${files(image.digest)}/signature-1`, bytes);
  };
  assert.match((await copy("1")).stderr, /A signature was required, but no signature exists/);
  await place(fingerprint, "1");
  const { code, stderr } = await copy("1");
  assert.equal(code, 0, stderr);
  assert.match((await copy("2")).stderr, /Signature for identity .*team\/app:1.* is not accepted/);
  await place(await home.makeKey("other"), "1");
  assert.match((await copy("1")).stderr, /Source image rejected: Invalid GPG signature/);
}, ["skopeo", "gpg"]);
