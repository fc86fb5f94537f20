/** Lists with GnuPG's signatures: skopeo, the newest c/image and we think the same of keys of all kinds and states. */
import assert from "node:assert/strict";
import { verify } from "../../mod.ts";
import { openGpgKey, openMessageWithGpg } from "../../src/signature/gpg/room.ts";
import { createPolicy, createSimpleSigner, type MessageSigner, openPgpKey } from "../../src/signature/room.ts";
import { folderTest } from "../support/folders.ts";
import type { MakeKeyOptions } from "../support/gpg.ts";
import { encode } from "../support/images.ts";
import { IMAGECOPY } from "../support/oracles.ts";
import { ok } from "../support/peers.ts";
import { makeSigningWorld, signedBy } from "../support/signing_world.ts";
import { makeStore } from "../support/stores.ts";

const PEERS = ["skopeo", "docker-registry", "gpg", IMAGECOPY];
const PASSPHRASE = "pw";

type World = Awaited<ReturnType<typeof makeSigningWorld>>;

/** The verdicts of all tools on a list under a policy that requires these keys. */
interface Opinions {
  /** Codes of our refusals: in this process, and by the gpg binary. */
  ours: string | undefined;
  oursWithGpg: string | undefined;
  /** Whether Debian's skopeo, and the newest c/image, copy it. */
  skopeo: boolean;
  imagecopy: boolean;
}

async function ask(world: World, image: string, requirement: unknown): Promise<Opinions> {
  const file = await world.policyFile(crypto.randomUUID(), requirement);
  const [skopeo, imagecopy] = await Promise.all([world.skopeo(file, image), world.imagecopy(file, image)]);
  for (const { code, stderr } of [skopeo, imagecopy]) if (code !== 0) assert.match(stderr, /Source image rejected/);
  const policy = createPolicy({ default: [requirement] });
  const judge = async (openMessage?: typeof openMessageWithGpg) => {
    const { systemContext } = world;
    const { allowed, top } = await verify(image, { policy, systemContext, ...(openMessage ? { openMessage } : {}) });
    assert.equal(allowed, top.reasons.length === 0);
    return top.reasons[0]?.code;
  };
  return {
    ours: await judge(),
    oursWithGpg: await judge(openMessageWithGpg),
    skopeo: skopeo.code === 0,
    imagecopy: imagecopy.code === 0,
  };
}

const BELIEVED: Opinions = { ours: undefined, oursWithGpg: undefined, skopeo: true, imagecopy: true };
const refused = (ours: string, oursWithGpg = ours): Opinions => ({
  ours,
  oursWithGpg,
  skopeo: false,
  imagecopy: false,
});

/** Pushes the list, signed by a key, to a repository; returns its name. */
async function signHere({ registry, list, systemContext }: World, path: string, key: MessageSigner): Promise<string> {
  await using signer = createSimpleSigner(key);
  const image = `docker://${registry.host}/${path}:1`;
  await list.push(image, { systemContext, signers: [signer] });
  return image;
}

/** Has skopeo copy a list and sign it instead of whoever signed it before. */
async function signWithSkopeo(world: World, from: string, fingerprint: string, passphrase?: string): Promise<string> {
  const { home, systemContext } = world;
  const to = from.replace(":1", "-skopeo:1");
  if (passphrase !== undefined) await Deno.writeTextFile(`${home.folder}/passphrase`, `${passphrase}\n`);
  await ok([
    ...["skopeo", "--insecure-policy", "--registries.d", systemContext.registriesDirPath, "copy", "-q", "--all"],
    ...["--src-tls-verify=false", "--dest-tls-verify=false", "--sign-by", fingerprint, "--remove-signatures"],
    ...(passphrase === undefined ? [] : ["--sign-passphrase-file", `${home.folder}/passphrase`]),
    ...[from, to],
  ], home.env);
  return to;
}

folderTest(
  "signatures by keys of every kind, made here, by gpg and by skopeo, are accepted by all of them",
  async (folder) => {
    await using world = await makeSigningWorld(folder);
    const { home } = world;
    const other = signedBy(await home.exportKeys(await home.makeKey("other")));
    const elsewhere = { type: "exactReference", dockerReference: `${world.registry.host}/elsewhere:1` };
    const kinds: [name: string, options: MakeKeyOptions, opinions?: Opinions, ofSkopeos?: Opinions][] = [
      ["plain", {}],
      ["protected", { passphrase: PASSPHRASE }],
      ["rsa", { algorithm: "rsa2048" }],
      // gpg prefers the subkey, and skopeo 1.9 knows nothing of subkeys: it refuses what it signed itself.
      ["subkey", { subkey: true }, BELIEVED, { ...BELIEVED, skopeo: false }],
      ["certifying", { usage: "cert", subkey: true }, { ...BELIEVED, skopeo: false }, { ...BELIEVED, skopeo: false }],
      ["ending", { expires: "1d", passphrase: PASSPHRASE }],
    ];
    for (const [name, options, opinions = BELIEVED, ofSkopeos = opinions] of kinds) {
      const fingerprint = await home.makeKey(name, options);
      const keys = await home.exportKeys(fingerprint);
      const { passphrase } = options;
      const secret = passphrase === undefined ? {} : { passphrase: encode(passphrase) };
      const byGpg = await openGpgKey(fingerprint, { homedir: home.folder, ...secret });
      const inProcess = await openPgpKey(await home.exportSecret(fingerprint, passphrase), secret);
      const images = [await signHere(world, `${name}/gpg`, byGpg), await signHere(world, `${name}/process`, inProcess)];
      images.push(await signWithSkopeo(world, images[0]!, fingerprint, passphrase));
      const all = await Promise.all(images.map((image) => ask(world, image, signedBy(keys))));
      assert.deepEqual(all, [opinions, opinions, ofSkopeos], name);
      if (name !== "plain") continue;
      assert.deepEqual(await ask(world, images[0]!, other), refused("SIGNATURE_KEY_UNKNOWN"));
      assert.deepEqual(await ask(world, images[0]!, signedBy(keys, elsewhere)), refused("SIGNATURE_IDENTITY_MISMATCH"));
    }
  },
  PEERS,
);

folderTest("expired and revoked keys are trusted by no tool, and sign nothing", async (folder) => {
  await using world = await makeSigningWorld(folder);
  const { home } = world;
  const past = "20240101T000000", ending = ["--faked-system-time", "20240201T000000", "--passphrase", ""];
  const subkey = { usage: "cert", subkey: true };
  const rows: [what: string, options: MakeKeyOptions, end: (fingerprint: string) => Promise<unknown>, code: string][] =
    [
      ["a key is revoked", {}, (key) => home.revoke(key), "SIGNATURE_KEY_REVOKED"],
      [
        "a protected key is revoked",
        { passphrase: PASSPHRASE },
        (key) => home.revoke(key),
        "SIGNATURE_KEY_REVOKED",
      ],
      ["a subkey is revoked", subkey, (key) => home.revokeSubkey(key), "SIGNATURE_KEY_REVOKED"],
      [
        "a key ends",
        { at: past },
        (key) => home.gpg(...ending, "--quick-set-expire", key, "1d"),
        "SIGNATURE_KEY_EXPIRED",
      ],
      [
        "a subkey ends",
        { at: past, ...subkey },
        (key) => home.gpg(...ending, "--quick-set-expire", key, "1d", "*"),
        "SIGNATURE_KEY_EXPIRED",
      ],
    ];
  for (const [i, [what, options, end, code]] of rows.entries()) {
    const fingerprint = await home.makeKey(`key${i}`, options);
    const before = signedBy(await home.exportKeys(fingerprint));
    const unlock = options.passphrase ? { passphrase: encode(options.passphrase) } : {};
    const key = await openGpgKey(fingerprint, { homedir: home.folder, ...unlock });
    const image = await signHere(world, `ends${i}`, key);
    await end(fingerprint);
    const after = signedBy(await home.exportKeys(fingerprint));
    assert.equal((await ask(world, image, before)).ours, undefined, what);
    assert.deepEqual(await ask(world, image, after), refused(code), what);
    await assert.rejects(openGpgKey(fingerprint, { homedir: home.folder }), { code: "KEY_UNKNOWN" }, what);
    const secret = await home.exportSecret(fingerprint, options.passphrase);
    await assert.rejects(openPgpKey(secret, unlock), { code: "KEY_INVALID" }, what);
  }
}, PEERS);

folderTest("a list that podman or buildah signs is accepted by all tools", async (folder) => {
  await using world = await makeSigningWorld(folder);
  await using at = await makeStore();
  const { home, list, registry: { host }, systemContext } = world;
  const fingerprint = await home.makeKey("me");
  const keys = await home.exportKeys(fingerprint);
  await list.saveToImage(at.store, { names: ["app"] });
  await Deno.mkdir(`${folder}/.config/containers`, { recursive: true });
  await Deno.symlink(systemContext.registriesDirPath, `${folder}/.config/containers/registries.d`);
  await Deno.copyFile(
    await world.policyFile("any.json", { type: "insecureAcceptAnything" }),
    `${folder}/.config/containers/policy.json`,
  );
  for (const tool of ["podman", "buildah"]) {
    const image = `docker://${host}/${tool}:1`;
    const flags = ["--all", "--tls-verify=false", "--sign-by", fingerprint];
    await ok([tool, ...at.flags, "manifest", "push", ...flags, "app", image], { ...home.env, HOME: folder });
    assert.deepEqual(await ask(world, image, signedBy(keys)), BELIEVED, tool);
  }
}, [...PEERS, "podman", "buildah"]);
