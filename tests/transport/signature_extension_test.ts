/** Simple signatures that a registry stores itself: the extension `X-Registry-Supports-Signatures`. */
import assert from "node:assert/strict";
import { generateKey } from "openpgp";
import { copyImage, create, parseImageName, verify } from "../../mod.ts";
import type { SystemContext } from "../../src/image/room.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { create as createRemote, inspectIndex } from "../../src/system/remote/room.ts";
import { createMemoryStorage, createRegistry, type RegistryOptions } from "../../src/server/room.ts";
import {
  acceptAnything,
  createPolicy,
  createSimpleSigner,
  MAX_SIGNATURES,
  openPgpKey,
  type Signature,
} from "../../src/signature/room.ts";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";
import { addSignatureExtension, type ExtensionSignature } from "../support/signature_extension.ts";

const image = makeImage({ architecture: "amd64" });
const NAME = "docker://registry.example/team/app:1";
const KEY = `team/app@${image.digest}`;
/** Begins like an OpenPGP message, which is all that storage checks. */
const message = (text = "") => new Uint8Array([0xa3, ...encode(text)]);
const simple = (text: string): Signature => ({ kind: "simple", bytes: message(text) });
const stored = (content: Uint8Array | string, more: object = {}) => ({
  schemaVersion: 2,
  name: `${image.digest}@${"0".repeat(32)}`,
  type: "atomic",
  content: typeof content === "string" ? content : content.toBase64(),
  ...more,
});

/** Starts a registry with the extension in this process, and pushes an image to it. */
async function makeWorld(header?: string, options: Partial<RegistryOptions> = {}) {
  const storage = createMemoryStorage();
  const registry = addSignatureExtension(createRegistry({ storage, ...options }), header);
  const log: string[] = [];
  const fetch = (request: Request) => {
    log.push(`${request.method} ${new URL(request.url).pathname}`);
    return registry.fetch(request);
  };
  const { fetch: inner } = createRegistry({ storage });
  await pushImage(new RegistryClient("registry.example", { fetch: inner }).repository("team/app"), image, "1");
  return { registry, log, systemContext: { fetch, registriesDirPath: "/none" } };
}

async function openKey() {
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: "Me" }], format: "binary" });
  const signer = createSimpleSigner(await openPgpKey(privateKey));
  const keyData = publicKey.toBase64();
  const signedIdentity = { type: "matchRepository" };
  return {
    signer,
    policy: createPolicy({ default: [{ type: "signedBy", keyType: "GPGKeys", keyData, signedIdentity }] }),
  };
}

async function readAll({ systemContext }: { systemContext: SystemContext }): Promise<readonly Signature[]> {
  await using source = await parseImageName(NAME).openSource(systemContext);
  return await source.getSignatures!({ digest: image.digest, isInstance: false });
}

async function writeAll({ systemContext }: { systemContext: SystemContext }, signatures: readonly Signature[]) {
  await using destination = await parseImageName(NAME).openDestination(systemContext);
  assert.equal(await destination.supportsSignatures!("simple"), true);
  await destination.putSignatures!(signatures, {
    ...describe(MEDIA_TYPES.ociManifest, image.manifest),
    isInstance: false,
  });
}

Deno.test("signatures are written to the registry, verified from there, and copied", async () => {
  const { signer, policy } = await openKey();
  await using _signer = signer;
  const world = await makeWorld();
  const { registry, systemContext } = world;
  const list = create();
  await list.add(NAME, { systemContext });
  const pushed = await list.push("docker://registry.example/team/signed:1", { systemContext, signers: [signer] });
  const verdict = await verify("docker://registry.example/team/signed:1", { policy, systemContext });
  assert.deepEqual([verdict.allowed, verdict.instances.size], [true, 1]);
  const [entry, ...others] = registry.signatures.get(`team/signed@${pushed.digest}`)!;
  assert.match(entry!.name, new RegExp(`^${pushed.digest}@[0-9a-f]{32}$`));
  assert.deepEqual([entry!.schemaVersion, entry!.type, others.length], [2, "atomic", 0]);
  assert.equal((await verify(NAME, { policy, systemContext })).top.reasons[0]?.code, "SIGNATURE_MISSING");

  const copy = async () => {
    const [from, to] = ["docker://registry.example/team/signed:1", "docker://registry.example/team/copy:1"];
    await copyImage(from, to, { systemContext, signaturePolicy: acceptAnything, signIdentity: "registry.example/x:1" });
  };
  await copy();
  const before = structuredClone(registry.signatures.get(`team/copy@${pushed.digest}`));
  assert.deepEqual(before!.map(({ content }) => content), [entry!.content]);
  registry.asked.length = 0;
  // A second copy finds them.
  await copy();
  assert.deepEqual(registry.signatures.get(`team/copy@${pushed.digest}`), before);
  assert.ok(!registry.asked.includes("PUT"));
});

Deno.test("the extension is used only if the header is exactly 1, without an extra request", async () => {
  const rows: [header: string, has: boolean][] = [
    ["1", true],
    ["0", false],
    ["", false],
    ["01", false],
    ["true", false],
    ["1, 1", false],
  ];
  const { signer } = await openKey();
  await using _signer = signer;
  for (const [header, has] of rows) {
    const { registry, log, systemContext } = await makeWorld(header);
    registry.signatures.set(KEY, [stored(message()) as ExtensionSignature]);
    // Without files, so that the user's own lookaside is not read.
    const remote = { fetch: systemContext.fetch };
    const { signatures } = await inspectIndex("registry.example/team/app:1", { systemContext: remote });
    assert.equal(signatures, has ? 1 : 0, header);
    const extension = has ? [`GET /extensions/v2/team/app/signatures/${image.digest}`] : [];
    // Attestations are looked up elsewhere: as referrers, and under cosign's tag.
    const others = log.filter((line) => !/\/referrers\/|\.att$/.test(line));
    assert.deepEqual(others, ["GET /v2/", "GET /v2/team/app/manifests/1", ...extension], header);
    log.length = 0;
    const push = createRemote().push("docker://registry.example/team/list:1", {
      systemContext: remote,
      signers: [signer],
    });
    if (has) await push;
    else await assert.rejects(push, { code: "SIGNATURES_NOT_SUPPORTED" });
    assert.deepEqual([log[0], log.some((line) => line.startsWith("PUT"))], ["GET /v2/", has], header);
  }
});

Deno.test("a push without signatures does not use the extension", async () => {
  const { registry, systemContext } = await makeWorld();
  await create().push("docker://registry.example/team/list:1", { systemContext });
  assert.deepEqual(registry.asked, []);
});

const many = (count: number) => ({ signatures: Array.from({ length: count }, (_, i) => stored(message(String(i)))) });
const padded = (size: number) => {
  const text = JSON.stringify({ signatures: [stored(message())], padding: "" });
  return text.replace('"padding":""', `"padding":"${"x".repeat(size - text.length)}"`);
};
const LIMIT = 4 * 1024 * 1024;
const armor = "-----BEGIN PGP MESSAGE-----\n";
const twice = `{"signatures":[],"signatures":[]}`;
const base64 = message().toBase64();

/** Answers of the registry, each with the number of signatures or the expected error code. */
const READ: [name: string, body: unknown, expected: number | string, status?: number][] = [
  ["none", { signatures: [] }, 0],
  ["null", { signatures: null }, 0],
  ["nothing", {}, 0],
  ["two", { signatures: [stored(message("a")), stored(message("b"))] }, 2],
  ["the same twice", { signatures: [stored(message()), stored(message())] }, 2],
  ["another version", { signatures: [stored(message(), { schemaVersion: 1 }), stored(message())] }, 1],
  ["another type", { signatures: [stored("?", { type: "other" }), stored(message(), { type: "" })] }, 0],
  ["no version", { signatures: [{ ...stored(message()), schemaVersion: undefined }] }, 0],
  ["a name that is odd", { signatures: [stored(message(), { name: "../.." })] }, 1],
  ["unknown members", { more: 1, signatures: [stored(message(), { more: 1 })] }, 1],
  ["a version that is text", { signatures: [stored(message(), { schemaVersion: "2" })] }, "INVALID_JSON"],
  ["no content", { signatures: [{ ...stored(""), content: null }] }, "SIGNATURE_FORMAT_UNKNOWN"],
  ["armour", { signatures: [stored(encode(armor))] }, "SIGNATURE_FORMAT_UNKNOWN"],
  [
    "one that is odd among others",
    { signatures: [stored(message()), stored(encode("x"))] },
    "SIGNATURE_FORMAT_UNKNOWN",
  ],
  [
    "sigstore",
    { signatures: [stored(encode('\0sigstore-json\n{"mimeType":"a/b","payload":"","annotations":{}}'))] },
    "SIGNATURE_FORMAT_UNKNOWN",
  ],
  ["base64 with a line", { signatures: [stored(`${base64.slice(0, 2)}\n${base64.slice(2)}`)] }, "INVALID_JSON"],
  ["base64 without padding", { signatures: [stored(base64.replaceAll("=", ""))] }, "INVALID_JSON"],
  ["base64 for URLs", { signatures: [stored("o-_-")] }, "INVALID_JSON"],
  ["a list that is none", { signatures: {} }, "INVALID_JSON"],
  ["an entry that is none", { signatures: ["x"] }, "INVALID_JSON"],
  ["no object", [], "INVALID_JSON"],
  ["a key twice", twice, "INVALID_JSON"],
  ["no JSON", "<html>", "INVALID_JSON"],
  ["the most", many(MAX_SIGNATURES), MAX_SIGNATURES],
  ["too many", many(MAX_SIGNATURES + 1), "LIMIT_EXCEEDED"],
  ["4 MiB", padded(LIMIT), 1],
  ["4 MiB and a byte", padded(LIMIT + 1), "LIMIT_EXCEEDED"],
  ["404", { signatures: [] }, "NOT_FOUND", 404],
  ["401", {}, "UNAUTHORIZED", 401],
  ["403", {}, "DENIED", 403],
  ["400", {}, "REGISTRY_ERROR", 400],
  ["204", "", "REGISTRY_ERROR", 204],
  ["500", {}, "REGISTRY_ERROR", 500],
];

for (const [name, body, expected, status = 200] of READ) {
  Deno.test(`a list of signatures: ${name}`, async () => {
    const world = await makeWorld();
    const text = typeof body === "string" ? body : JSON.stringify(body);
    world.registry.instead = () => new Response(status === 204 ? null : text, { status });
    if (typeof expected === "string") await assert.rejects(readAll(world), { code: expected });
    else assert.equal((await readAll(world)).length, expected);
  });
}

Deno.test("an unreadable list of signatures is an error, not an empty list", async () => {
  const world = await makeWorld();
  world.registry.instead = () => new Response(null, { status: 500 });
  const { systemContext } = world;
  const copy = copyImage(NAME, "docker://other.example/app:1", { systemContext, signaturePolicy: acceptAnything });
  await assert.rejects(copy, { code: "REGISTRY_ERROR" });
});

Deno.test("signatures are added to existing ones of any kind, each once", async () => {
  const world = await makeWorld();
  const odd = [stored(encode(armor)), stored("!", { type: "other" })] as ExtensionSignature[];
  world.registry.signatures.set(KEY, odd);
  await writeAll(world, [simple("a"), simple("b"), simple("a")]);
  await writeAll(world, [simple("b"), simple("c")]);
  const kept = world.registry.signatures.get(KEY)!;
  const contents = kept.slice(odd.length).map(({ content }) => content);
  assert.deepEqual(contents, ["a", "b", "c"].map((text) => message(text).toBase64()));
  assert.equal(new Set(kept.slice(odd.length).map(({ name }) => name)).size, 3);
});

Deno.test("a rejected signature is an error, and is not sent again", async () => {
  const rows: [status: number, code: string][] = [
    [200, "REGISTRY_ERROR"],
    [400, "REGISTRY_ERROR"],
    [403, "DENIED"],
    [404, "NOT_FOUND"],
    [409, "REGISTRY_ERROR"],
    [503, "REGISTRY_ERROR"],
  ];
  for (const [status, code] of rows) {
    const world = await makeWorld();
    world.registry.instead = ({ method }) => method === "PUT" ? new Response(null, { status }) : undefined;
    await assert.rejects(writeAll(world, [simple("a")]), { code, status }, String(status));
    assert.deepEqual(world.registry.asked, ["GET", "PUT"], String(status));
  }
  const world = await makeWorld();
  world.registry.signatures.set(KEY, many(MAX_SIGNATURES).signatures as ExtensionSignature[]);
  await assert.rejects(writeAll(world, [simple("one more")]), { code: "LIMIT_EXCEEDED" });
  await writeAll(world, [simple("0")]);
  assert.ok(!world.registry.asked.includes("PUT"));
});

Deno.test("a signature whose answer was lost is stored once", async () => {
  const { signer, policy } = await openKey();
  await using _signer = signer;
  const { registry, systemContext } = await makeWorld();
  let lost = 0;
  registry.instead = async (request) => {
    if (request.method !== "PUT" || lost++ > 0) return undefined;
    const { pathname } = new URL(request.url);
    const digest = pathname.slice(pathname.lastIndexOf("/") + 1);
    registry.signatures.set(`team/list@${digest}`, [await request.json()]);
    throw new TypeError("connection reset");
  };
  const { digest } = await create().push("docker://registry.example/team/list:1", {
    systemContext,
    signers: [signer],
    retryDelay: 0,
  });
  assert.deepEqual([registry.asked, registry.signatures.get(`team/list@${digest}`)!.length], [
    ["GET", "PUT", "GET"],
    1,
  ]);
  assert.ok((await verify("docker://registry.example/team/list:1", { policy, systemContext })).allowed);
});

Deno.test("signatures are read and written with the credentials of the registry", async () => {
  for (const scheme of ["basic", "bearer"] as const) {
    const world = await makeWorld("1", { access: { scheme, users: { me: "secret" } } });
    const dockerAuthConfig = { username: "me", password: "secret" };
    const known = { ...world, systemContext: { ...world.systemContext, dockerAuthConfig } };
    await writeAll(known, [simple("a")]);
    assert.equal((await readAll(known)).length, 1);
    await assert.rejects(readAll(world), { code: "UNAUTHORIZED" });
  }
});
