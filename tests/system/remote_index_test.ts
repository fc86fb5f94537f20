/** Indexes in registries, with `fetch` alone. */
import assert from "node:assert/strict";
import { type AccessOptions, createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import {
  annotateIndex,
  appendToIndex,
  composeIndex,
  copyIndex,
  inspectIndex,
  removeFromIndex,
  retag,
  validateIndex,
} from "../../src/system/remote/room.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { cliOk } from "../support/cli.ts";
import { makeImage, pushImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startDockerRegistry, startEmbedded } from "../support/registries.ts";
import { platformTexts } from "../support/platform_texts.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HOST = "registry.example";
const TARGET = `${HOST}/app:1`;
const CREDENTIALS = { username: "me", password: "secret" };

/** A registry in memory with images that are tagged by their architecture. */
async function makeWorld(architectures: readonly string[], access?: AccessOptions) {
  const registry = createRegistry({ storage: createMemoryStorage(), access });
  const repository = new RegistryClient(HOST, { fetch: registry.fetch, credentials: CREDENTIALS }).repository("app");
  for (const architecture of architectures) await pushImage(repository, makeImage({ architecture }), architecture);
  const requests: string[] = [];
  const fetch = (request: Request) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return registry.fetch(request);
  };
  return { repository, requests, systemContext: { fetch } };
}

const platformsOf = async (image: string, options: Parameters<typeof inspectIndex>[1]) =>
  platformTexts((await inspectIndex(image, options)).instances);

/** How often each kind of request was made. */
function countKinds(requests: readonly string[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const request of requests) {
    const kind = request.replace(/(manifests|blobs)\/.*/, "$1/…");
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

Deno.test("composeIndex() of twenty images in one repository asks two questions each, looks at the tag, and writes once", async () => {
  const architectures = Array.from({ length: 20 }, (_, i) => `arch${i}`);
  const { requests, systemContext } = await makeWorld(architectures);
  const sources = architectures.map((architecture) => `${HOST}/app:${architecture}`);
  const { digest } = await composeIndex({ target: TARGET, sources, annotations: { team: "release" }, systemContext });
  assert.deepEqual(countKinds(requests), {
    "GET /v2/": 1,
    "GET /v2/app/manifests/…": 20,
    "GET /v2/app/blobs/…": 20,
    "HEAD /v2/app/manifests/…": 1,
    "PUT /v2/app/manifests/…": 1,
  });
  const described = await inspectIndex(TARGET, { systemContext });
  assert.equal(described.digest, digest);
  assert.deepEqual(platformTexts(described.instances), architectures.map((name) => `linux/${name}`));
  assert.deepEqual((await validateIndex(TARGET, { systemContext })).problems, []);
});

Deno.test("… and, for two more names, looks twice and writes twice more", async () => {
  const architectures = Array.from({ length: 20 }, (_, i) => `arch${i}`);
  const { requests, systemContext } = await makeWorld(architectures);
  const sources = architectures.map((architecture) => `${HOST}/app:${architecture}`);
  await composeIndex({ target: TARGET, tags: ["1.2", "latest"], sources, systemContext });
  assert.deepEqual(countKinds(requests), {
    "GET /v2/": 1,
    "GET /v2/app/manifests/…": 20,
    "GET /v2/app/blobs/…": 20,
    "HEAD /v2/app/manifests/…": 3,
    "PUT /v2/app/manifests/…": 3,
  });
});

Deno.test("… and asks a registry that uses tokens for one token to read and one to write", async () => {
  const access = { scheme: "bearer", users: { me: "secret" } } as const;
  const { requests, systemContext } = await makeWorld(["amd64", "arm64"], access);
  const sources = [`${HOST}/app:amd64`, `${HOST}/app:arm64`];
  const credentials = { [HOST]: CREDENTIALS };
  await composeIndex({ target: TARGET, sources, systemContext: { ...systemContext, credentials } });
  assert.deepEqual(countKinds(requests), {
    "GET /v2/": 1,
    "GET /token": 2,
    "GET /v2/app/manifests/…": 2,
    "GET /v2/app/blobs/…": 2,
    "HEAD /v2/app/manifests/…": 1,
    "PUT /v2/app/manifests/…": 1,
  });
});

Deno.test("composeIndex() passes the list to the callback before writing anything, and writes nothing if the callback throws", async () => {
  const { repository, requests, systemContext } = await makeWorld(["amd64"]);
  let digests: readonly string[] = [];
  const composing = composeIndex({
    target: TARGET,
    sources: [`${HOST}/app:amd64`],
    systemContext,
    async beforePush(list) {
      digests = list.instances();
      await Promise.reject(new RangeError("not this one"));
    },
  });
  await assert.rejects(composing, RangeError);
  assert.deepEqual(digests, [(await repository.headManifest("amd64"))?.digest]);
  assert.deepEqual(requests.filter((request) => !/^(GET|HEAD) /.test(request)), []);
});

Deno.test("an index is appended to, annotated, reduced, tagged and copied in its registry", async () => {
  const { systemContext } = await makeWorld(["amd64", "arm64", "s390x"]);
  const at = (architecture: string) => `${HOST}/app:${architecture}`;
  await assert.rejects(appendToIndex(TARGET, [at("amd64")], { systemContext }), { code: "NOT_FOUND" });
  await appendToIndex(TARGET, [at("amd64")], { systemContext, create: true });
  await appendToIndex(TARGET, [at("arm64"), at("s390x")], { systemContext });
  assert.deepEqual(await platformsOf(TARGET, { systemContext }), ["linux/amd64", "linux/arm64", "linux/s390x"]);
  await removeFromIndex(TARGET, ["linux/s390x"], { systemContext });
  await assert.rejects(removeFromIndex(TARGET, ["linux/s390x"], { systemContext }), {
    code: "INSTANCE_NOT_FOUND",
    message: /its platforms are linux\//,
  });
  await annotateIndex(TARGET, { instance: "linux/arm64", annotations: { tested: "yes" } }, { systemContext });
  const { digest } = await annotateIndex(TARGET, { annotations: { team: "release" } }, { systemContext });
  assert.equal(await retag(TARGET, ["2", "latest"], { systemContext }), digest);
  assert.deepEqual(await platformsOf(`${HOST}/app:2`, { systemContext }), ["linux/amd64", "linux/arm64"]);
  await assert.rejects(copyIndex(TARGET, `${HOST}/copy:1`, { systemContext }), { code: "POLICY_MISSING" });
  const copied = await copyIndex(TARGET, `${HOST}/copy:1`, { systemContext, signaturePolicy: acceptAnything });
  assert.equal(copied.digest, digest);
  assert.deepEqual((await validateIndex(`${HOST}/copy:1`, { systemContext })).problems, []);
});

/** Has processes append one image each to one tag, all at the same time; returns the platforms that are there then. */
async function appendTogether(host: string, count: number): Promise<string[]> {
  const repository = new RegistryClient(host, { insecure: true }).repository("app");
  const names = Array.from({ length: count }, (_, i) => `arch${i}`);
  for (const architecture of names) await pushImage(repository, makeImage({ architecture }), architecture);
  const code = `
    import { appendToIndex } from "./src/system/remote/mod.ts";
    const systemContext = { dockerInsecureSkipTlsVerify: true };
    const options = { systemContext, create: true };
    await Promise.all(Deno.args.map((name) => appendToIndex("${host}/app:all", ["${host}/app:" + name], options)));`;
  const file = await Deno.makeTempFile({ dir: ROOT, prefix: "append_", suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, code);
    const run = (...own: string[]) =>
      ok([Deno.execPath(), "run", "--quiet", "--no-prompt", "--no-check", `--allow-net=${host}`, file, ...own]);
    // Four processes with several calls each: so many contend that a machine can run.
    const quarter = Math.ceil(count / 4);
    await Promise.all([0, 1, 2, 3].map((i) => run(...names.slice(i * quarter, (i + 1) * quarter))));
  } finally {
    await Deno.remove(file);
  }
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  return (await platformsOf(`${host}/app:all`, { systemContext })).map(String).sort();
}

const expected = (count: number) => Array.from({ length: count }, (_, i) => `linux/arch${i}`).sort();

peerTest("forty additions to one tag at once are all there: a registry with conditional requests", [], async () => {
  await using registry = startEmbedded();
  assert.deepEqual(await appendTogether(registry.host, 40), expected(40));
});

peerTest("… and one without", ["docker-registry"], async () => {
  await using registry = await startDockerRegistry();
  assert.deepEqual(await appendTogether(registry.host, 40), expected(40));
});

peerTest("eight processes of append on one tag, and a registry that ignores conditions: all images are there", [
  "docker-registry",
], async () => {
  await using registry = await startDockerRegistry();
  const repository = new RegistryClient(registry.host, { insecure: true }).repository("app");
  const names = Array.from({ length: 8 }, (_, i) => `arch${i}`);
  for (const architecture of names) await pushImage(repository, makeImage({ architecture }), architecture);
  const at = (tag: string) => `docker://${registry.host}/app:${tag}`;
  await Promise.all(
    names.map((name) => cliOk(["append", "-q", "--tls-verify=false", "--create", at("all"), at(name)])),
  );
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  assert.deepEqual((await platformsOf(`${registry.host}/app:all`, { systemContext })).map(String).sort(), expected(8));
});
