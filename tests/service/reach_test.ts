/** A handler reaches only its registries and the URLs to which they refer. */
import assert from "node:assert/strict";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { bearerTokens, createHandler, type HandlerOptions } from "../../src/service/room.ts";
import { RepositoryRules } from "../../src/service/repository_rules.ts";
import { guardFetch } from "../../src/service/guarded_fetch.ts";
import { parseReference } from "../../src/spec/room.ts";
import { assertRefused, call, HOST, makeWorld, TOKEN } from "../support/handlers.ts";
import { describe, encode, makeImage } from "../support/images.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

/** Creates a handler whose `fetch` records the requests and answers 404. */
function makeScout(options: Partial<HandlerOptions> = {}, answer?: (request: Request) => Response | undefined) {
  const urls: string[] = [];
  const handler = createHandler({
    authorize: bearerTokens([{ token: TOKEN }]),
    targets: ["quay.io/me/app", "quay.io/team/*", "docker.io/me/app", "docker.io/library/alpine"],
    systemContext: {
      retryDelay: 0,
      fetch: (request) => {
        urls.push(request.url);
        return Promise.resolve(
          answer?.(request) ?? new Response("", { status: request.url.endsWith("/v2/") ? 200 : 404 }),
        );
      },
    },
    ...options,
  });
  return { handler, urls };
}

Deno.test("images outside the configured repositories are rejected in every spelling", async () => {
  const { handler, urls } = makeScout();
  const digest = `sha256:${"0".repeat(64)}`;
  const images: [image: string, status: number][] = [
    ["quay.io/me/app2:1", 403],
    ["quay.io/me/app/sub:1", 403],
    ["quay.io/me:1", 403],
    ["quay.io/team:1", 403],
    ["quay.io/teams/x:1", 403],
    ["quay.io:443/me/app:1", 403],
    ["quay.io./me/app:1", 400],
    ["quay.io.evil.example/me/app:1", 403],
    ["evil.example/quay.io/me/app:1", 403],
    ["quay.io/evil/../me/app:1", 400],
    ["quay.io/me/app/../../evil:1", 400],
    ["quay.io//me/app:1", 400],
    ["quay.io/me/app%2f..:1", 400],
    ["user:pass@quay.io/me/app:1", 400],
    ["quay.io@evil.example/me/app:1", 400],
    ["quay.io/me/app:1#x", 400],
    ["quay.io/me/app:1?x=y", 400],
    ["quay.io/me/app:1@evil", 400],
    [`quay.io/me/app:1@${digest}`, 400],
    ["quay.io/Me/App:1", 400],
    ["quay.io\\me/app:1", 400],
    ["quay.io/me/app:1\n", 400],
    [" quay.io/me/app:1", 400],
    ["quay\u3002io/me/app:1", 400],
    ["https://quay.io/me/app:1", 400],
    ["docker://https://quay.io/me/app:1", 400],
    ["docker:quay.io/me/app:1", 400],
    ["docker://docker://quay.io/me/app:1", 400],
    ["oci:/etc", 400],
    ["oci:quay.io/me/app:1", 400],
    ["dir:/etc", 400],
    ["docker-archive:/etc/passwd", 400],
    ["docker-daemon:quay.io/me/app:1", 400],
    ["containers-storage:quay.io/me/app:1", 400],
    ["file:///etc/passwd", 400],
    ["app:1", 403],
    ["evil/app:1", 403],
    ["index.docker.io/evil/app:1", 403],
    ["registry-1.docker.io/me/app:1", 403],
    ["library/debian", 403],
    ["localhost/me/app:1", 403],
    ["localhost:5000/me/app:1", 403],
    ["127.0.0.1/me/app:1", 403],
    ["127.1:80/me/app:1", 403],
    ["0x7f.1/me/app:1", 403],
    ["2130706433:80/me/app:1", 403],
    ["0/me/app:1", 403],
    ["[::1]:5000/me/app:1", 403],
    ["[::ffff:7f00:1]/me/app:1", 403],
    ["169.254.169.254/latest/meta-data:1", 403],
    ["metadata.google.internal/me/app:1", 403],
    ["10.0.0.1/me/app:1", 403],
    ["0".repeat(64), 400],
    ["", 400],
  ];
  for (const [image, status] of images) {
    for (
      const [path, body] of [
        ["/inspect", { image }],
        ["/validate", { image }],
        ["/compose", { target: image, sources: ["quay.io/me/app:1"] }],
        ["/compose", { target: "quay.io/me/app:1", sources: [image] }],
        ["/append", { target: "quay.io/me/app:1", sources: [image], create: true }],
      ] as const
    ) {
      const answer = await call(handler, path, { body });
      assertRefused(answer, status, status === 403 ? "DENIED" : "BAD_REQUEST");
    }
  }
  assert.deepEqual(urls, []);
});

Deno.test("images in the configured repositories are reached in every spelling, only at their registry", async () => {
  const cases: [image: string, url: string][] = [
    ["quay.io/me/app:1", "https://quay.io/v2/me/app/manifests/1"],
    ["docker://quay.io/me/app", "https://quay.io/v2/me/app/manifests/latest"],
    ["QUAY.io/me/app:1", "https://quay.io/v2/me/app/manifests/1"],
    ["quay.io/team/a/b/c:1", "https://quay.io/v2/team/a/b/c/manifests/1"],
    ["me/app:1", "https://registry-1.docker.io/v2/me/app/manifests/1"],
    ["docker.io/me/app:1", "https://registry-1.docker.io/v2/me/app/manifests/1"],
    ["index.docker.io/me/app:1", "https://registry-1.docker.io/v2/me/app/manifests/1"],
    ["alpine", "https://registry-1.docker.io/v2/library/alpine/manifests/latest"],
    ["docker.io/alpine:3", "https://registry-1.docker.io/v2/library/alpine/manifests/3"],
  ];
  for (const [image, url] of cases) {
    const { handler, urls } = makeScout();
    assertRefused(await call(handler, "/inspect", { body: { image } }), 404, "NOT_FOUND");
    assert.deepEqual(urls, [new URL("/v2/", url).href, url]);
  }
});

Deno.test("rules match repositories, including short names of Docker Hub", () => {
  const cases: [rule: string, image: string, allowed: boolean][] = [
    ["docker.io/*", "alpine", true],
    ["docker.io/*", "me/app", true],
    ["docker.io/library/*", "alpine", true],
    ["docker.io/library/*", "me/app", false],
    ["docker.io/alpine", "alpine", true],
    ["index.docker.io/me/*", "me/app", true],
    ["quay.io/*", "quay.io/a/b/c", true],
    ["quay.io/*", "quay.io.evil.example/a", false],
    ["quay.io/a/*", "quay.io/a", false],
    ["quay.io/a/*", "quay.io/ab/c", false],
    ["QUAY.IO/a", "quay.io/a", true],
    ["localhost:5000/*", "localhost:5000/a", true],
    ["localhost:5000/*", "localhost:5001/a", false],
  ];
  for (const [rule, image, allowed] of cases) {
    assert.equal(new RepositoryRules([rule]).allow(parseReference(image)), allowed, `${rule} ${image}`);
  }
});

/** URLs to which a registry may refer, and whether the handler follows them. */
const PLACES: [place: string, followed: boolean][] = [
  ["https://cdn.example/blob?signed=1", true],
  ["https://cdn.example:8443/blob", true],
  ["http://cdn.example/blob", false],
  ["http://quay.io/blob", false],
  ["https://localhost/blob", false],
  ["https://localhost./blob", false],
  ["https://redis/blob", false],
  ["https://a.localhost/blob", false],
  ["https://printer.local/blob", false],
  ["https://metadata.google.internal/blob", false],
  ["https://127.0.0.1/blob", false],
  ["https://127.1/blob", false],
  ["https://0x7f000001/blob", false],
  ["https://2130706433/blob", false],
  ["https://017700000001/blob", false],
  ["https://10.0.0.1/blob", false],
  ["https://169.254.169.254/latest/meta-data", false],
  ["https://1.1.1.1/blob", false],
  ["https://[::1]/blob", false],
  ["https://[::ffff:127.0.0.1]/blob", false],
  ["https://[fd00::1]/blob", false],
  ["https://[2606:4700::1111]/blob", false],
  ["ftp://cdn.example/blob", false],
  ["file:///etc/passwd", false],
  ["https://user:pass@cdn.example/blob", true],
];

Deno.test("redirects and token services are followed only to public https URLs", async () => {
  for (const [place, followed] of PLACES) {
    const redirected = makeScout(
      {},
      ({ url }) =>
        url.endsWith("/manifests/1") ? new Response(null, { status: 307, headers: { location: place } }) : undefined,
    );
    const answer = await call(redirected.handler, "/inspect", { body: { image: "quay.io/me/app:1" } });
    assert.equal(redirected.urls.length, followed ? 3 : 2, place);
    assertRefused(answer, followed ? 404 : 502, followed ? "NOT_FOUND" : answer.body.error.code);
    const headers = { "www-authenticate": `Bearer realm="${place}"` };
    const challenged = makeScout(
      {},
      ({ url }) =>
        url.startsWith("https://quay.io/")
          ? new Response(null, { status: 401, headers })
          : new Response(null, { status: 500 }),
    );
    assert.equal((await call(challenged.handler, "/inspect", { body: { image: "quay.io/me/app:1" } })).status, 502);
    assert.equal(challenged.urls.some((url) => !url.startsWith("https://quay.io/")), followed, place);
  }
});

Deno.test("URLs to which no registry refers are not reached", async () => {
  const asked: string[] = [];
  const answers: Record<string, Response> = {
    "https://quay.io/a": new Response(null, { status: 307, headers: { location: "https://cdn.example/a" } }),
    "https://cdn.example/a": new Response(null, {
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="https://evil.example/token"', location: "https://other.example/a" },
    }),
  };
  const guarded = guardFetch({
    registries: ["quay.io"],
    insecure: false,
    fetch: (request) => {
      asked.push(request.url);
      assert.equal(request.redirect, "manual");
      return Promise.resolve(answers[request.url] ?? new Response());
    },
  });
  const cases: [url: string, reached: boolean][] = [
    ["https://cdn.example/a", false],
    ["http://quay.io/a", false],
    ["https://quay.io:8443/a", false],
    ["https://sub.quay.io/a", false],
    ["https://quay.io/a", true],
    ["https://cdn.example/a", true],
    ["https://cdn.example/b", false],
    ["https://evil.example/token", false],
    ["https://other.example/a", true],
  ];
  for (const [url, reached] of cases) {
    const before = asked.length;
    const request = new Request(url);
    if (reached) await guarded(request);
    else await assert.rejects(guarded(request), { code: "DENIED" });
    assert.equal(asked.length - before, reached ? 1 : 0, url);
  }
});

/** Redirects of a registry, by path. */
const LOCATIONS: Record<string, string> = { "/a": "http://127.0.0.1:5001/b", "/b": "http://cdn.example/b" };

Deno.test("a registry on loopback is reached if it is configured, and other ports are not", async () => {
  const guarded = guardFetch({
    registries: ["127.0.0.1:5000"],
    insecure: true,
    fetch: ({ url }) =>
      Promise.resolve(
        new Response(null, { headers: { location: LOCATIONS[new URL(url).pathname] ?? "/c" } }),
      ),
  });
  for (const url of ["http://127.0.0.1:5000/a", "https://127.0.0.1:5000/a", "http://127.0.0.1:5000/b"]) {
    await guarded(new Request(url));
  }
  for (
    const url of ["http://cdn.example/b", "http://127.0.0.1:5001/b", "http://localhost:5000/a", "http://127.0.0.1/a"]
  ) {
    await assert.rejects(guarded(new Request(url)), { code: "DENIED" });
  }
});

Deno.test("the number of remembered URLs is bounded", async () => {
  let count = 0;
  const guarded = guardFetch({
    registries: ["quay.io"],
    insecure: false,
    fetch: () => Promise.resolve(new Response(null, { headers: { location: `https://cdn.example/${count++}` } })),
  });
  for (let i = 0; i <= 10_000; i++) await guarded(new Request("https://quay.io/a"));
  await assert.rejects(guarded(new Request("https://cdn.example/0")), { code: "DENIED" });
  await guarded(new Request("https://cdn.example/1"));
});

Deno.test("URLs in a manifest are not reached", async () => {
  const world = await makeWorld([]);
  const image = makeImage({ architecture: "amd64" });
  const elsewhere = ["https://evil.example/layer", "https://169.254.169.254/latest", "http://registry.example/v2/"];
  const layer = { ...describe(MEDIA_TYPES.ociLayerGzip, encode("foreign")), urls: elsewhere };
  const config = image.blobs.at(-1)!;
  const repository = world.repository();
  await repository.putBlob(
    config.descriptor,
    new Blob([config.bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>,
  );
  const manifest = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: config.descriptor,
    layers: [layer],
  });
  await world.fetch(
    new Request(`https://${HOST}/v2/app/manifests/foreign`, {
      method: "PUT",
      headers: { "content-type": MEDIA_TYPES.ociManifest },
      body: manifest,
    }),
  );
  const origins = new Set<string>();
  const fetch = (request: Request) => {
    origins.add(new URL(request.url).origin);
    return world.fetch(request);
  };
  const handler = world.handler({ systemContext: { fetch }, targets: [`${HOST}/*`] });
  const { body } = await call(handler, "/validate", { body: { image: `${HOST}/app:foreign` } });
  assert.equal(body.problems.length, 1, JSON.stringify(body));
  assert.match(body.problems[0].problem, new RegExp(layer.digest));
  await call(handler, "/compose", { body: { target: `${HOST}/copy:1`, sources: [`${HOST}/app:foreign`] } });
  await call(handler, "/inspect", { body: { image: `${HOST}/app:foreign` } });
  assert.deepEqual([...origins], [`https://${HOST}`]);
});
