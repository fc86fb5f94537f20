/** Attacks of the list by registries, lookaside servers and disks; its other part is `../signature/attack_list_test.ts`. */
import assert from "node:assert/strict";
import { copyImage, create, type SystemContext, verify } from "../../mod.ts";
import { RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import {
  attachmentTag,
  createPolicy,
  createSignaturePolicy,
  generateSigstoreKeyPair,
  openSigstoreSigner,
  type SigstoreSignature,
} from "../../src/signature/room.ts";
import { type Digest, MEDIA_TYPES, parseReference } from "../../src/spec/room.ts";
import { attach, readAttached, readStored } from "../support/attachments.ts";
import { folderTest } from "../support/folders.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";
import { ok } from "../support/peers.ts";
import { sigstoreSigned } from "../support/signing_world.ts";

const IMAGE = "registry.example/app:1";
const MIB = 1024 * 1024;
const image = makeImage({ architecture: "amd64" });
const PASSPHRASE = encode("pw");
const pair = await generateSigstoreKeyPair(PASSPHRASE);
const MINE = createPolicy({ default: [sigstoreSigned(pair.publicKey)] });
/** Reads simple signatures, and believes none of these. */
const SIMPLE = createPolicy({ default: [{ type: "signedBy", keyType: "GPGKeys", keyData: "AAAA" }] });

/** A registry with an image, and what may stand between it and us. */
interface World {
  systemContext: SystemContext & { fetch(request: Request): Promise<Response> };
  repository: Repository;
  /** The signature of the image. */
  signature: SigstoreSignature;
  /** Requests to other hosts than the registry. */
  asked: string[];
}

/** Signatures are attached, and also looked for at `lookaside`. */
async function makeWorld(folder: string, lookaside: string, answer = (_url: URL) => new Response("", { status: 404 })) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const asked: string[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    if (url.host === "registry.example") return await registry.fetch(request);
    asked.push(url.href);
    return answer(url);
  };
  const repository = new RegistryClient("registry.example", { fetch }).repository("app");
  await pushImage(repository, image, "1");
  await using signer = await openSigstoreSigner(encode(pair.privateKey), { passphrase: PASSPHRASE });
  const signature = await signer.sign(image.manifest, parseReference(IMAGE));
  const text = `default-docker:\n  lookaside: ${lookaside}\n  use-sigstore-attachments: true\n`;
  await Deno.mkdir(`${folder}/registries.d`);
  await Deno.writeTextFile(`${folder}/registries.d/a.yaml`, text);
  const systemContext = { fetch, registriesDirPath: `${folder}/registries.d`, retryDelay: 0 };
  return { systemContext, repository, signature, asked } satisfies World;
}

async function refusal({ systemContext }: World, policy = MINE): Promise<string | undefined> {
  const { allowed, top, instances } = await verify(IMAGE, { policy, systemContext });
  const [reason] = [top, ...instances.values()].flatMap(({ reasons }) => reasons);
  assert.equal(allowed, reason === undefined);
  return reason?.code;
}

const status = (code: number, body = "no") => () => new Response(body, { status: code });
const LOOKASIDES: [number: number, what: string, answer: (url: URL) => Response, code: string][] = [
  [24, "an endless list", () => new Response(new Uint8Array([0xa3])), "LIMIT_EXCEEDED"],
  [24, "a signature above 4 MiB", () => new Response(new Uint8Array(4 * MIB + 1).fill(0xa3)), "LIMIT_EXCEEDED"],
  [26, "a redirect from https to http", redirect("http://lookaside.example/a"), "REGISTRY_ERROR"],
  [26, "a redirect to a file", redirect("file:///etc/passwd"), "REGISTRY_ERROR"],
  [26, "a redirect to nowhere", redirect("https://"), "REGISTRY_ERROR"],
  [26, "redirects without end", redirect("https://lookaside.example/a"), "REGISTRY_ERROR"],
  [27, "401", status(401), "REGISTRY_ERROR"],
  [27, "403", status(403), "REGISTRY_ERROR"],
  [27, "500", status(500), "REGISTRY_ERROR"],
  [27, "204", () => new Response(null, { status: 204 }), "SIGNATURE_FORMAT_UNKNOWN"],
  [27, "a page to sign in", status(200, "<html>"), "SIGNATURE_FORMAT_UNKNOWN"],
  [27, "nothing in it", status(200, ""), "SIGNATURE_FORMAT_UNKNOWN"],
  [27, "a signature of the other kind", status(200, "\0sigstore-json\n{}"), "SIGNATURE_FORMAT_UNKNOWN"],
];

function redirect(location: string): (url: URL) => Response {
  return ({ protocol }) =>
    new Response("", protocol === "http:" ? { status: 404 } : { status: 302, headers: { location } });
}

for (const [number, what, answer, code] of LOOKASIDES) {
  folderTest(`attack ${number}: a lookaside server with ${what}: ${code}`, async (folder) => {
    const world = await makeWorld(folder, "https://lookaside.example/sigs", answer);
    // Not "unsigned", for which another policy might have an answer.
    await assert.rejects(refusal(world, SIMPLE), { code });
    assert.ok(world.asked.length <= 129, `${world.asked.length}`);
  });
}

folderTest("a lookaside server may redirect to another one, over https", async (folder) => {
  const answer = ({ host }: URL) =>
    host === "lookaside.example"
      ? new Response("", { status: 307, headers: { location: "https://other.example/1" } })
      : new Response("", { status: 404 });
  const world = await makeWorld(folder, "https://lookaside.example/sigs", answer);
  assert.equal(await refusal(world, SIMPLE), "SIGNATURE_MISSING");
  const path = `/sigs/app@${image.digest.replace(":", "=")}/signature-1`;
  assert.deepEqual(world.asked, [`https://lookaside.example${path}`, "https://other.example/1"]);
});

const FILES: [number: number, what: string, make: (path: string) => Promise<unknown>, code: string | undefined][] = [
  [24, "a file above 4 MiB", (path) => Deno.writeFile(path, new Uint8Array(4 * MIB + 1)), "LIMIT_EXCEEDED"],
  [26, "a folder", (path) => Deno.mkdir(path), "TRANSPORT_IO"],
  [26, "a pipe", (path) => ok(["mkfifo", path]), "TRANSPORT_IO"],
  [26, "a link to a device", (path) => Deno.symlink("/dev/zero", path), "TRANSPORT_IO"],
  [26, "a link to itself", (path) => Deno.symlink(path, path), "TRANSPORT_IO"],
  [26, "a link to nothing", (path) => Deno.symlink(`${path}-not-there`, path), undefined],
];

for (const [number, what, make, code] of FILES) {
  folderTest(`attack ${number}: ${what} for a signature: ${code ?? "there is none"}`, async (folder) => {
    const world = await makeWorld(folder, `file://${folder}/sigs`);
    const signatures = `${folder}/sigs/app@${image.digest.replace(":", "=")}`;
    await Deno.mkdir(signatures, { recursive: true });
    await make(`${signatures}/signature-1`);
    if (code === undefined) assert.equal(await refusal(world, SIMPLE), "SIGNATURE_MISSING");
    else await assert.rejects(refusal(world, SIMPLE), { code });
  });
}

const LOCATIONS = ["https://me:secret@host/", "https://host/?a", "ftp://host/", "file://host/path", "relative"];

for (const location of LOCATIONS) {
  folderTest(`attack 25: signatures at ${location}: CONFIG_FILE_INVALID`, async (folder) => {
    const world = await makeWorld(folder, location);
    await assert.rejects(refusal(world), (error: Error & { code?: string }) => {
      assert.equal(error.code, "CONFIG_FILE_INVALID");
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}

folderTest("attack 25: signatures outside of their folder: INVALID_REFERENCE", async (folder) => {
  const { systemContext } = await makeWorld(folder, `file://${folder}/sigs`);
  for (const name of ["registry.example/../app:1", "registry.example/a/../../app:1", "registry.example/a%2fb:1"]) {
    await assert.rejects(verify(name, { policy: MINE, systemContext }), { code: "INVALID_REFERENCE" }, name);
  }
});

/** Changes the attachment of the image; the code is that of the refusal, or of the error that ends the evaluation. */
const ATTACHMENTS: [number: number, what: string, code: string, change: (world: World) => Promise<unknown>][] = [
  [
    24,
    "a layer above 4 MiB",
    "LIMIT_EXCEEDED",
    (world) => rewrite(world, (manifest) => manifest.layers[0]!.size = 4 * MIB + 1),
  ],
  [
    24,
    "129 layers",
    "LIMIT_EXCEEDED",
    (world) => rewrite(world, (manifest) => manifest.layers = Array(129).fill(manifest.layers[0])),
  ],
  [28, "a list", "INVALID_MANIFEST", ({ repository }) => {
    const manifests = [{ ...describe(MEDIA_TYPES.ociManifest, image.manifest) }];
    const index = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
    return repository.putManifest(attachmentTag(image.digest), index);
  }],
  [
    28,
    "an image of the other format",
    "INVALID_MANIFEST",
    (world) => rewrite(world, (manifest) => manifest.mediaType = MEDIA_TYPES.dockerManifest),
  ],
  [28, "an image that is also a list", "AMBIGUOUS_MANIFEST", async (world) => {
    // No registry should take it.
    const { manifest } = await readStored(world.repository, image.digest);
    const ambiguous = { ...JSON.parse(new TextDecoder().decode(manifest)), manifests: [] };
    const headers = { "content-type": MEDIA_TYPES.ociManifest };
    answerAttachment(world, () => new Response(encode(ambiguous), { headers }));
  }],
  [
    28,
    "a payload of another size",
    "SIZE_MISMATCH",
    (world) => rewrite(world, (manifest) => manifest.layers[0]!.size++),
  ],
  [
    28,
    "a layer of another type",
    "SIGNATURE_MISSING",
    (world) => rewrite(world, (manifest) => manifest.layers[0]!.mediaType = "application/json"),
  ],
  [
    28,
    "no annotation",
    "SIGNATURE_INVALID",
    (world) => rewrite(world, (manifest) => manifest.layers[0]!.annotations = {}),
  ],
  [28, "nothing", "SIGNATURE_MISSING", (world) => rewrite(world, (manifest) => manifest.layers = [])],
  [27, "what nobody may see", "DENIED", (world) => Promise.resolve(answerAttachment(world, status(403)))],
  [27, "what cannot be had", "REGISTRY_ERROR", (world) => Promise.resolve(answerAttachment(world, status(500)))],
  [28, "a payload with another digest", "DIGEST_MISMATCH", (world) => {
    const { fetch } = world.systemContext;
    world.systemContext.fetch = async (request) => {
      const response = await fetch(request);
      if (!request.url.includes("/blobs/")) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[0]! ^= 1;
      return new Response(bytes, response);
    };
    return Promise.resolve();
  }],
];

/** Writes the attachment of the image again, with a change. */
async function rewrite({ repository }: World, change: (manifest: AttachedManifest) => unknown): Promise<void> {
  const { manifest: bytes } = await readStored(repository, image.digest);
  const manifest: AttachedManifest = JSON.parse(new TextDecoder().decode(bytes));
  change(manifest);
  await repository.putManifest(attachmentTag(image.digest), encode(manifest));
}

interface AttachedManifest {
  mediaType: string;
  layers: { mediaType: string; size: number; annotations?: Record<string, string> }[];
}

function answerAttachment(world: World, answer: () => Response): void {
  const { fetch } = world.systemContext;
  world.systemContext.fetch = (request) => request.url.endsWith(".sig") ? Promise.resolve(answer()) : fetch(request);
}

for (const [number, what, code, change] of ATTACHMENTS) {
  folderTest(`attack ${number}: attached to an image, ${what}: ${code}`, async (folder) => {
    const world = await makeWorld(folder, `file://${folder}/sigs`);
    await attach(world.repository, image.digest, undefined, world.signature);
    assert.equal(await refusal(world), undefined);
    await change(world);
    if (code.startsWith("SIGNATURE_")) assert.equal(await refusal(world), code);
    else await assert.rejects(refusal(world), { code });
  });
}

folderTest("attack 14: an instance that nobody signed: SIGNATURE_MISSING, POLICY_REJECTED", async (folder) => {
  const world = await makeWorld(folder, `file://${folder}/sigs`);
  const { systemContext, repository } = world;
  await pushImage(repository, makeImage({ architecture: "arm64" }), "2");
  const list = create();
  for (const tag of ["1", "2"]) await list.add(`registry.example/app:${tag}`, { systemContext });
  await using signer = await openSigstoreSigner(encode(pair.privateKey), { passphrase: PASSPHRASE });
  await list.push(IMAGE, { systemContext, signers: [signer] });
  assert.equal(await refusal(world), undefined);
  await repository.deleteTag(attachmentTag(list.instances()[1] as Digest));
  assert.equal(await refusal(world), "SIGNATURE_MISSING");
  const signaturePolicy = createSignaturePolicy(MINE);
  const copied = copyImage(IMAGE, "registry.example/copy:1", { systemContext, signaturePolicy });
  await assert.rejects(copied, { code: "POLICY_REJECTED" });
});

folderTest("attack 15: a signed list with unsigned instances: POLICY_REJECTED", async (folder) => {
  const { systemContext } = await makeWorld(folder, `file://${folder}/sigs`);
  await create().push("registry.example/empty:1", { systemContext });
  const reject = createSignaturePolicy(createPolicy({ default: [{ type: "reject" }] }));
  const copy = (signaturePolicy = reject) =>
    copyImage("registry.example/empty:1", "registry.example/copy:1", { systemContext, signaturePolicy });
  await assert.rejects(copy(), { code: "POLICY_REJECTED" });
  await copy(createSignaturePolicy(createPolicy({ default: [{ type: "insecureAcceptAnything" }] })));
  // A list is trusted by the process that composes it.
  await create().push("registry.example/empty:2", { systemContext, signaturePolicy: reject });
});

folderTest("attack 12: a tag that moves between the policy check and the copy is read once", async (folder) => {
  const world = await makeWorld(folder, `file://${folder}/sigs`);
  const { systemContext, repository } = world;
  await attach(repository, image.digest, undefined, world.signature);
  const evil = makeImage({ architecture: "s390x" });
  const { fetch } = systemContext;
  let reads = 0;
  systemContext.fetch = async (request) => {
    const response = await fetch(request);
    if (request.method === "GET" && new URL(request.url).pathname === "/v2/app/manifests/1" && ++reads === 1) {
      await pushImage(repository, evil, "1");
    }
    return response;
  };
  const signaturePolicy = createSignaturePolicy(MINE);
  const { digest } = await copyImage(IMAGE, `dir:${folder}/copy`, { systemContext, signaturePolicy });
  assert.deepEqual([digest, reads], [image.digest, 1]);
  assert.equal((await repository.getManifest("1")).digest, evil.digest);
});

folderTest("attack 33: a concurrent signer replaces an attachment: both signatures are kept", async (folder) => {
  const world = await makeWorld(folder, `file://${folder}/sigs`);
  const { systemContext, repository, signature } = world;
  const { fetch } = systemContext;
  let replaced = 0;
  systemContext.fetch = async (request) => {
    const response = await fetch(request);
    const isAttachment = request.method === "PUT" && request.url.endsWith(attachmentTag(image.digest));
    if (isAttachment && ++replaced === 1) await attach(repository, image.digest, undefined, signature);
    return response;
  };
  await using signer = await openSigstoreSigner(encode(pair.privateKey), {
    passphrase: PASSPHRASE,
    now: () => new Date(0),
  });
  const signaturePolicy = createSignaturePolicy(createPolicy({ default: [{ type: "insecureAcceptAnything" }] }));
  await copyImage(IMAGE, "registry.example/app:2", { systemContext, signers: [signer], signaturePolicy });
  const times = (await readAttached(repository, image.digest)).map(({ payload }) =>
    JSON.parse(new TextDecoder().decode(payload)).optional.timestamp
  );
  assert.equal(times.length, 2);
  assert.equal(times[1], 0);
});
