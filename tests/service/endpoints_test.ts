/** Results and errors of each endpoint. */
import assert from "node:assert/strict";
import { RegistryClient } from "../../src/registry/room.ts";
import { MEDIA_TYPES, parsePlatform } from "../../src/spec/room.ts";
import type { SystemContext } from "../../src/service/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { assertRefused, call, HOST, makeWorld } from "../support/handlers.ts";
import { makeImage, pushImage } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const TARGET = `${HOST}/app:1`;
const SOURCES = [`${HOST}/app:amd64`, `${HOST}/app:arm64`];

Deno.test("an index is composed, appended to, inspected and validated", async () => {
  const world = await makeWorld(["amd64", "arm64", "s390x"]);
  const handler = world.handler();
  const composed = await call(handler, "/compose", {
    body: { target: TARGET, sources: SOURCES, annotations: { team: "release" } },
  });
  assert.deepEqual(composed.body, {
    digest: await world.digestAt("1"),
    reference: `${HOST}/app@${composed.body.digest}`,
    mediaType: MEDIA_TYPES.ociIndex,
    instances: Object.fromEntries([...world.digests.values()].slice(0, 2).map((digest) => [digest, digest])),
  });
  const appended = await call(handler, "/append", { body: { target: TARGET, sources: [`${HOST}/app:s390x`] } });
  assert.equal(appended.body.digest, await world.digestAt("1"));
  const { status, body } = await call(handler, "/inspect", { body: { image: TARGET } });
  assert.deepEqual([status, body.digest, body.annotations], [200, appended.body.digest, { team: "release" }]);
  assert.deepEqual(body.instances.map(({ platform }: { platform: string }) => platform), [
    "linux/amd64",
    "linux/arm64",
    "linux/s390x",
  ]);
  const validated = await call(handler, "/validate", { body: { image: TARGET } });
  assert.deepEqual(validated.body, { digest: appended.body.digest, images: 3, blobs: 6, problems: [], unchecked: [] });
});

Deno.test("compose publishes under several names; an error says which names were written", async () => {
  const world = await makeWorld();
  const handler = world.handler({ targets: [`${HOST}/app`, `${HOST}/other`] });
  const body = { target: TARGET, tags: ["latest", `${HOST}/other:1`], sources: SOURCES };
  const composed = await call(handler, "/compose", { body });
  const { digest } = composed.body;
  const references = [TARGET, `${HOST}/app:latest`, `${HOST}/other:1`];
  assert.deepEqual(
    composed.body.published,
    references.map((reference) => ({ reference, digest, previous: null, state: "written" })),
  );
  assert.equal(await world.digestAt("latest"), digest);
  assertRefused(await call(handler, "/compose", { body: { ...body, tags: [`${HOST}/secret:1`] } }), 403, "DENIED");
  assertRefused(await call(handler, "/compose", { body: { ...body, tags: ["a b"] } }), 400, "BAD_REQUEST");
  const failing = world.handler({
    targets: [`${HOST}/app`],
    systemContext: {
      retryDelay: 0,
      fetch: async (request: Request) =>
        request.method === "PUT" && request.url.endsWith("/manifests/3")
          ? Response.json({ errors: [{ code: "DENIED", message: "internal.example" }] }, { status: 403 })
          : await world.fetch(request),
    },
  });
  const failed = await call(failing, "/compose", { body: { ...body, target: `${HOST}/app:2`, tags: ["3"] } });
  assertRefused(failed, 502, "DENIED");
  const states = failed.body.error.published.map(({ state }: { state: string }) => state);
  assert.deepEqual(states, ["written", "failed"]);
  assert.doesNotMatch(JSON.stringify(failed.body), /internal\.example/);
});

Deno.test("append creates an index only with create; all takes every instance of an index", async () => {
  const world = await makeWorld();
  const handler = world.handler({ targets: [`${HOST}/*`] });
  const body = { target: TARGET, sources: SOURCES };
  assertRefused(await call(handler, "/append", { body }), 404, "NOT_FOUND");
  assert.equal((await call(handler, "/append", { body: { ...body, create: true } })).status, 200);
  const copies = { target: `${HOST}/copy:1`, sources: [TARGET] };
  for (const [all, count] of [[false, 1], [true, 2]] as const) {
    const { body } = await call(handler, "/compose", { body: { ...copies, all } });
    assert.equal(Object.keys(body.instances).length, count);
  }
});

Deno.test("a source that is an index contributes all of its entries, or those of the named platforms", async () => {
  const world = await makeWorld();
  const handler = world.handler();
  const platforms = ["linux/arm64/v8", "windows/amd64:10.0.20348.1"];
  const { images, attestations } = await pushBuildKit(world.repository(), "built", platforms.map(parsePlatform));
  const rows: [members: object, expected: unknown[]][] = [
    [{}, [...images, ...attestations]],
    [{ attestations: false }, images],
    [{ platforms: ["linux/arm64"] }, [images[0], attestations[0]]],
    [{ platforms: [platforms[1]], attestations: false }, [images[1]]],
  ];
  for (const [i, [members, expected]] of rows.entries()) {
    for (const [path, more] of [["/compose", {}], ["/append", { create: true }]] as const) {
      const target = `${HOST}/app:${path.slice(1)}-${i}`;
      const body = { target, sources: [`${HOST}/app:built`], ...members, ...more };
      assert.equal((await call(handler, path, { body })).status, 200);
      const { body: { instances } } = await call(handler, "/inspect", { body: { image: target } });
      assert.deepEqual(instances.map(({ digest }: { digest: string }) => digest), expected, JSON.stringify(body));
    }
  }
  const body = { target: TARGET, sources: [`${HOST}/app:built`] };
  for (const platforms of [["linux"], [], "linux/arm64", [1]]) {
    assertRefused(await call(handler, "/compose", { body: { ...body, platforms } }), 400, "BAD_REQUEST");
  }
  const missing = await call(handler, "/compose", { body: { ...body, platforms: ["linux/mips"] } });
  assertRefused(missing, 422, "NO_MATCHING_PLATFORM");
});

Deno.test("domain errors are 4xx if the caller can fix them, 5xx if the registry fails", async () => {
  const world = await makeWorld();
  const mislabelled = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [{
      mediaType: MEDIA_TYPES.ociManifest,
      digest: world.digests.get("linux/arm64"),
      size: (await world.repository().getManifest("arm64")).bytes.length,
      platform: { os: "linux", architecture: "amd64" },
    }],
  };
  await world.repository().putManifest("mislabelled", new TextEncoder().encode(JSON.stringify(mislabelled)));
  const compose = (source: string) => ({ target: TARGET, sources: [`${HOST}/app:${source}`] });
  const answers: Record<string, () => Response> = {
    refused: () =>
      Response.json({ errors: [{ code: "DENIED", message: "your token s3cr3t is bad" }] }, { status: 403 }),
    unknown: () => Response.json({ errors: [{ code: "UNAUTHORIZED", message: "s3cr3t" }] }, { status: 401 }),
    broken: () => new Response("panic: s3cr3t", { status: 500 }),
    lying: () => new Response("{}", { headers: { "content-type": MEDIA_TYPES.ociManifest } }),
  };
  const fetch = (request: Request) => {
    const answer = answers[/manifests\/(\w+)$/.exec(request.url)?.[1] ?? ""];
    return answer ? Promise.resolve(request).then(answer) : world.fetch(request);
  };
  const errors: unknown[] = [];
  const handler = world.handler({ systemContext: { fetch }, onError: (error) => errors.push(error) });
  const cases: [path: string, body: unknown, status: number, code: string][] = [
    ["/compose", compose("missing"), 404, "NOT_FOUND"],
    ["/inspect", { image: `${HOST}/app:missing` }, 404, "NOT_FOUND"],
    ["/compose", { ...compose("mislabelled") }, 422, "PLATFORM_MISMATCH"],
    ["/append", { target: `${HOST}/app:amd64`, sources: SOURCES }, 422, "NOT_A_MANIFEST_LIST"],
    ["/compose", compose("refused"), 502, "DENIED"],
    ["/compose", compose("unknown"), 502, "UNAUTHORIZED"],
    ["/compose", compose("broken"), 502, "REGISTRY_ERROR"],
    ["/compose", compose("lying"), 502, "INVALID_MANIFEST"],
  ];
  for (const [path, body, status, code] of cases) {
    const answer = await call(handler, path, { body });
    assertRefused(answer, status, code);
    assert.ok(!JSON.stringify(answer.body).includes("s3cr3t"), JSON.stringify(answer.body));
  }
  assert.equal(errors.length, 4);
  const careless = world.handler({
    systemContext: { fetch },
    onError() {
      throw new Error("nobody catches this");
    },
  });
  assertRefused(await call(careless, "/compose", { body: compose("broken") }), 502, "REGISTRY_ERROR");
  assert.equal(await world.digestAt("1"), undefined);
});

Deno.test("the handler authenticates to registries with tokens; a rejection by the registry is not a 401 of the handler", async () => {
  const access = { scheme: "bearer", users: { me: "s3cr3t" } } as const;
  await using registry = startEmbedded({ access });
  const credentials = { [registry.host]: { username: "me", password: "s3cr3t" } };
  const client = new RegistryClient(registry.host, { insecure: true, credentials: credentials[registry.host] });
  await pushImage(client.repository("app"), makeImage({ architecture: "amd64" }), "amd64");
  const world = await makeWorld([]);
  const body = { target: `${registry.host}/app:1`, sources: [`${registry.host}/app:amd64`] };
  const compose = async (given: SystemContext["credentials"]) => {
    const systemContext = { dockerInsecureSkipTlsVerify: true, credentials: given };
    return await call(world.handler({ targets: [`${registry.host}/app`], systemContext }), "/compose", { body });
  };
  assert.equal((await compose(credentials)).status, 200);
  const wrong = { [registry.host]: { username: "me", password: "s3cr3t-not" } };
  for (const given of [undefined, wrong]) {
    const answer = await compose(given);
    assertRefused(answer, 502, "UNAUTHORIZED");
    assert.ok(!JSON.stringify(answer.body).includes("s3cr3t"));
    assert.equal(answer.headers.get("www-authenticate"), null);
  }
  assert.deepEqual(registry.errors, []);
});

Deno.test("problems of an instance do not repeat text from a registry", async () => {
  const world = await makeWorld();
  await call(world.handler(), "/compose", { body: { target: TARGET, sources: SOURCES } });
  const fetch = (request: Request) =>
    request.url.endsWith(world.digests.get("linux/arm64")!)
      ? Promise.resolve(Response.json({ errors: [{ code: "DENIED", message: "s3cr3t" }] }, { status: 403 }))
      : world.fetch(request);
  const handler = world.handler({ systemContext: { fetch } });
  const inspected = await call(handler, "/inspect", { body: { image: TARGET } });
  assert.match(inspected.body.instances[1].problem, /the registry answered 403$/);
  const validated = await call(handler, "/validate", { body: { image: TARGET } });
  assert.match(validated.body.problems[0].problem, /the registry answered 403$/);
});

Deno.test("malformed requests are rejected before any request to a registry", async () => {
  const world = await makeWorld();
  const handler = world.handler({ limits: { sources: 3, annotationBytes: 20, bodyBytes: 1000 } });
  const good = { target: TARGET, sources: SOURCES };
  const before = world.requests.length;
  const bodies: [path: string, body: unknown][] = [
    ["/compose", "{"],
    ["/compose", "[]"],
    ["/compose", "null"],
    ["/compose", "\u0000"],
    ["/compose", '{"target":"a","target":"b","sources":[]}'],
    ["/compose", `${"[".repeat(400)}${"]".repeat(400)}`],
    ["/compose", { sources: SOURCES }],
    ["/compose", { target: TARGET }],
    ["/compose", { ...good, extra: 1 }],
    ["/compose", { ...good, target: 1 }],
    ["/compose", { ...good, target: "" }],
    ["/compose", { ...good, target: `${HOST}/app:${"x".repeat(600)}` }],
    ["/compose", { ...good, target: `${HOST}/app@${world.digests.get("linux/amd64")}` }],
    ["/compose", { ...good, sources: [] }],
    ["/compose", { ...good, sources: "a" }],
    ["/compose", { ...good, sources: [SOURCES[0], SOURCES[0]] }],
    ["/compose", { ...good, sources: [null] }],
    ["/compose", { ...good, sources: ["a", "b", "c", "d"] }],
    ["/compose", { ...good, all: "yes" }],
    ["/compose", { ...good, annotations: [] }],
    ["/compose", { ...good, annotations: { a: 1 } }],
    ["/compose", { ...good, annotations: { "": "x" } }],
    ["/compose", { ...good, annotations: { a: "0123456789012345678ä" } }],
    ["/append", { ...good, annotations: {} }],
    ["/inspect", { image: TARGET, full: true }],
    ["/validate", {}],
  ];
  for (const [path, body] of bodies) assertRefused(await call(handler, path, { body }), 400, "BAD_REQUEST");
  assert.equal(world.requests.length, before);
});

Deno.test("unknown paths, methods, media types and sizes get their own status", async () => {
  const handler = (await makeWorld()).handler({ limits: { bodyBytes: 100 } });
  const json = { "content-type": "application/json" };
  const body = { image: `${HOST}/app:amd64` };
  const long = JSON.stringify({ image: "x".repeat(100) });
  const stream = (text: string) => new Blob([text]).stream();
  const cases: [url: string, init: Parameters<typeof call>[2], status: number, code: string][] = [
    ["/api/", {}, 404, "ENDPOINT_UNKNOWN"],
    ["/other", { body }, 404, "ENDPOINT_UNKNOWN"],
    ["/inspect/", { body }, 404, "ENDPOINT_UNKNOWN"],
    ["/constructor", { body }, 404, "ENDPOINT_UNKNOWN"],
    ["/fan-in", { body }, 404, "ENDPOINT_UNKNOWN"],
    ["/inspect", {}, 405, "METHOD_NOT_ALLOWED"],
    ["/inspect", { method: "PUT", body, headers: json }, 405, "METHOD_NOT_ALLOWED"],
    ["/inspect", { method: "POST" }, 411, "LENGTH_REQUIRED"],
    ["/inspect", { method: "POST", headers: { "content-length": "0" } }, 400, "BAD_REQUEST"],
    ["/inspect", { body: long, headers: { "content-length": `${long.length}` } }, 413, "BODY_TOO_LARGE"],
    ["/inspect", { body: stream(long) }, 413, "BODY_TOO_LARGE"],
    ["/inspect", { body, headers: { "content-type": "text/plain" } }, 415, "MEDIA_TYPE_NOT_SUPPORTED"],
    [
      "/inspect",
      { body, headers: { "content-type": "application/json; charset=latin1" } },
      415,
      "MEDIA_TYPE_NOT_SUPPORTED",
    ],
    ["/inspect", { body, headers: { "content-encoding": "gzip" } }, 415, "MEDIA_TYPE_NOT_SUPPORTED"],
  ];
  for (const [url, init, status, code] of cases) {
    const answer = await call(handler, url, init);
    assertRefused(answer, status, code);
    assert.equal(answer.headers.get("allow"), status === 405 ? "POST, OPTIONS" : null);
  }
  assert.equal(
    (await call(handler, "/inspect", { body, headers: { "content-type": "Application/JSON;charset=UTF-8" } })).status,
    200,
  );
  const options = await call(handler, "/inspect", { method: "OPTIONS", token: null });
  assert.deepEqual([options.status, options.headers.get("allow"), options.body], [204, "POST, OPTIONS", undefined]);
});

Deno.test("the endpoints are served only below the base path", async () => {
  const world = await makeWorld();
  const handler = world.handler({ basePath: "/api/v1" });
  const body = { image: `${HOST}/app:amd64` };
  assert.equal((await call(handler, "/api/v1/inspect", { body })).status, 200);
  assertRefused(await call(handler, "/inspect", { body }), 404, "ENDPOINT_UNKNOWN");
});

Deno.test("invalid options are rejected when the handler is created", async () => {
  const world = await makeWorld([]);
  const credentials = { username: "me", password: "x" };
  const bad: [Parameters<typeof world.handler>[0], ErrorConstructor][] = [
    [{ authorize: [] }, TypeError],
    [{ targets: [] }, TypeError],
    [{ targets: ["app"] }, TypeError],
    [{ targets: ["*"] }, TypeError],
    [{ targets: ["quay.io"] }, TypeError],
    [{ targets: ["quay.io/me*"] }, TypeError],
    [{ targets: ["quay.io/*/app"] }, TypeError],
    [{ targets: ["quay.io/me/app:1"] }, TypeError],
    [{ targets: ["https://quay.io/me/app"] }, TypeError],
    [{ sources: ["quay.io/Me"] }, TypeError],
    [{ sources: ["quay.io/*"], systemContext: { dockerAuthConfig: credentials } }, TypeError],
    [{ sources: ["quay.io/*"], systemContext: { dockerBearerRegistryToken: "x" } }, TypeError],
    [{ limits: { sources: 49 } }, RangeError],
    [{ limits: { bodyBytes: 0 } }, RangeError],
    [{ limits: { bodyBites: 1 } as never }, RangeError],
  ];
  for (const [options, kind] of bad) assert.throws(() => world.handler(options), kind, JSON.stringify(options));
  world.handler({ systemContext: { dockerAuthConfig: credentials } });
});
