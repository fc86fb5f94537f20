/** Where redirects and locations of a registry may lead. */
import assert from "node:assert/strict";
import { toStream } from "../../src/internal/room.ts";
import { type Fetch, getUnverifiedBlob, RegistryClient, type RegistryClientOptions } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { describe, encode } from "../support/images.ts";

const INDEX = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
const LARGE = new Uint8Array(2_500_000).map((_, i) => i * 3 + (i >> 9));
const BLOB = describe("m", LARGE);
const SMALL = encode("small");
const CREDENTIALS = { username: "me", password: "secret" };
const redirect = (location: string, status = 307) => new Response(null, { status, headers: { location } });
const unauthorized = (challenge: string) =>
  new Response("", { status: 401, headers: { "www-authenticate": challenge } });
const reopen = (offset: number) => Promise.resolve(toStream(LARGE.slice(offset)));
const path = ({ url }: Request) => new URL(url).pathname;

/** Response of the registry `a.example` to a request; `undefined`: its usual response. */
type Override = (request: Request) => Response | undefined;

/**
 * The registry `a.example`, which requires credentials by `scheme`, and another host, `b.example`, which requests them by
 * `challenge`. Every request to the other host is recorded.
 */
async function twoHosts(scheme: "basic" | "bearer", challenge: string, options: RegistryClientOptions = {}) {
  const storage = createMemoryStorage();
  const open = createRegistry({ storage });
  const guarded = createRegistry({ storage, access: { scheme, users: { me: "secret" } } });
  const direct = new RegistryClient("a.example", { fetch: open.fetch }).repository("app");
  await direct.putManifest("1", INDEX);
  await direct.putBlob(BLOB, toStream(LARGE));
  const elsewhere: Request[] = [];
  const state: { override: Override } = { override: () => undefined };
  const fetch: Fetch = async (request) => {
    if (new URL(request.url).host === "b.example") {
      elsewhere.push(request);
      return path(request) === "/token" ? Response.json({ token: "t" }) : unauthorized(challenge);
    }
    return state.override(request) ?? await guarded.fetch(request);
  };
  const client = new RegistryClient("a.example", {
    fetch,
    credentials: CREDENTIALS,
    timeouts: { retryDelay: 1 },
    ...options,
  });
  return { repository: client.repository("app"), direct, elsewhere, state, client };
}

type World = Awaited<ReturnType<typeof twoHosts>>;

const foreignChallenges = [
  'Bearer realm="https://b.example/token",service="b"',
  'Bearer realm="/token"',
  'Basic realm="b"',
  "Bearer",
  'Bearer error="insufficient_scope",scope="repository:other:pull"',
  'Basic realm="b", Bearer realm="https://b.example/token"',
];

/** Ways in which a request gets to the other host. */
const detours: [name: string, run: (world: World) => Promise<unknown>][] = [
  ["a blob that is redirected", ({ repository, state }) => {
    state.override = (request) => request.method === "GET" ? redirect("https://b.example/blob") : undefined;
    return getUnverifiedBlob(repository, BLOB.digest);
  }],
  ["a manifest that is redirected", ({ repository, state }) => {
    state.override = (request) =>
      request.url.includes("/manifests/") ? redirect("https://b.example/x", 302) : undefined;
    return repository.getManifest("1");
  }],
  ["a list that is redirected", ({ repository, state }) => {
    state.override = (request) => request.url.includes("/tags/") ? redirect("https://b.example/x") : undefined;
    return Array.fromAsync(repository.listTags());
  }],
  ["a manifest whose PUT is redirected", ({ repository, state }) => {
    state.override = (request) => request.method === "PUT" ? redirect("https://b.example/x") : undefined;
    return repository.putManifest("2", INDEX);
  }],
  ["a DELETE that is redirected", ({ repository, state }) => {
    state.override = (request) => request.method === "DELETE" ? redirect("https://b.example/x", 308) : undefined;
    return repository.deleteManifest(digestOf(INDEX));
  }],
  ["an upload that is opened elsewhere", ({ repository, state }) => {
    state.override = (request) => request.method === "POST" ? redirect("https://b.example/x") : undefined;
    return repository.putBlob(describe("m", SMALL), toStream(SMALL));
  }],
  ["an upload whose location is elsewhere", ({ repository, state }) => {
    state.override = (request) =>
      request.method === "POST"
        ? new Response(null, { status: 202, headers: { location: "https://b.example/x" } })
        : undefined;
    return repository.putBlob(describe("m", SMALL), toStream(SMALL));
  }],
  ["an upload whose PATCH is redirected", ({ repository, state }) => {
    state.override = (request) => request.method === "PATCH" ? redirect("https://b.example/x") : undefined;
    return repository.putBlob(BLOB, toStream(LARGE), { reopen });
  }],
  ["a foreign layer", ({ repository, state }) => {
    state.override = (request) => request.url.includes("/blobs/") ? new Response("", { status: 404 }) : undefined;
    return repository.getBlob({ ...BLOB, urls: ["https://b.example/layer"] });
  }],
];

for (const [name, run] of detours) {
  Deno.test(`${name} gets neither credentials nor a hearing from another host`, async () => {
    for (const scheme of ["basic", "bearer"] as const) {
      for (const challenge of foreignChallenges) {
        const world = await twoHosts(scheme, challenge);
        // Once right after the ping, and once with a token that was fetched before.
        for (let i = 0; i < 2; i++) {
          await assert.rejects(run(world), { status: 401 });
          world.state.override = () => undefined;
          assert.deepEqual((await world.repository.getManifest("1")).bytes, INDEX, challenge);
        }
        assert.ok(world.elsewhere.length > 0);
        for (const request of world.elsewhere) {
          assert.equal(request.headers.get("authorization"), null, challenge);
          assert.notEqual(path(request), "/token", challenge);
        }
      }
    }
  });
}

Deno.test("a ping that is redirected to another host only proves that the registry answers", async () => {
  for (const scheme of ["basic", "bearer"] as const) {
    for (const challenge of foreignChallenges) {
      const { repository, client, elsewhere, state } = await twoHosts(scheme, challenge);
      state.override = (request) => path(request) === "/v2/" ? redirect("https://b.example/v2/") : undefined;
      assert.deepEqual((await repository.getManifest("1")).bytes, INDEX, challenge);
      assert.equal(await client.supportsSignatures(), false);
      assert.deepEqual(elsewhere.map((request) => [path(request), request.headers.get("authorization")]), [
        ["/v2/", null],
      ]);
    }
  }
});

Deno.test("a redirect of a token service does not leak credentials", async () => {
  const identity = { identityToken: "topsecret" };
  for (const credentials of [CREDENTIALS, identity]) {
    const { repository, elsewhere, state } = await twoHosts("bearer", "Basic", { credentials });
    state.override = (request) => path(request) === "/token" ? redirect("https://b.example/token") : undefined;
    await assert.rejects(repository.getManifest("1"));
    for (const request of elsewhere) {
      assert.equal(request.headers.get("authorization"), null);
      assert.doesNotMatch(await request.text(), /topsecret/);
    }
    // The form with an identity token is not sent to the other host at all.
    assert.equal(elsewhere.length > 0, credentials === CREDENTIALS);
  }
});

Deno.test("a redirect of a token service does not lead into a private network", async () => {
  const { repository, state } = await twoHosts("bearer", "Basic");
  state.override = (request) => path(request) === "/token" ? redirect("https://169.254.169.254/token") : undefined;
  await assert.rejects(repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /network/ });
});

Deno.test("after a redirect to another host, credentials are not sent again, not even to the registry", async () => {
  const back = createRegistry({ storage: createMemoryStorage() });
  const seen: [string, boolean][] = [];
  const fetch: Fetch = (request) => {
    const { host, pathname } = new URL(request.url);
    const authorized = request.headers.has("authorization");
    seen.push([host + pathname, authorized]);
    if (host === "b.example") return Promise.resolve(redirect("https://a.example/v2/other/manifests/1"));
    if (pathname === "/v2/app/manifests/1" && authorized) return Promise.resolve(redirect("https://b.example/x"));
    return authorized ? back.fetch(request) : Promise.resolve(unauthorized("Basic"));
  };
  const repository = new RegistryClient("a.example", { fetch, credentials: CREDENTIALS }).repository("app");
  await assert.rejects(repository.putManifest("1", INDEX), { code: "UNAUTHORIZED" });
  assert.ok(seen.some(([place]) => place.includes("/other/")));
  for (const [place, authorized] of seen) if (place.includes("/other/")) assert.equal(authorized, false);
});

Deno.test("a challenge that cannot be answered does not replace one that can", async () => {
  for (const odd of ["Bearer", 'Bearer error="invalid_token"', "Negotiate"]) {
    const { repository, state } = await twoHosts("bearer", "");
    let refusals = 1;
    state.override = (request) => request.url.includes("/manifests/") && refusals-- > 0 ? unauthorized(odd) : undefined;
    assert.deepEqual((await repository.getManifest("1")).bytes, INDEX, odd);
  }
});

Deno.test("a redirect within the registry's origin is followed for every method, with credentials and body", async () => {
  for (const status of [307, 308]) {
    for (const scheme of ["basic", "bearer"] as const) {
      const { repository, direct, state, elsewhere } = await twoHosts(scheme, "");
      const redirected: string[] = [];
      state.override = (request) => {
        const url = new URL(request.url);
        if (!url.pathname.startsWith("/v2/app/") || url.searchParams.has("gateway")) return undefined;
        redirected.push(request.method);
        url.searchParams.set("gateway", "1");
        return redirect(url.href, status);
      };
      const layer = new Uint8Array(1_500_000).fill(status);
      const again = (offset: number) => Promise.resolve(toStream(layer.slice(offset)));
      await repository.putBlob(describe("m", layer), toStream(layer), { reopen: again });
      await repository.putBlob(describe("m", SMALL), toStream(SMALL));
      const chunked = new Uint8Array(1_200_000).fill(status + 1);
      await repository.putBlob(describe("m", chunked), toStream(chunked), { chunkSize: 500_000 });
      await repository.putManifest("2", INDEX);
      assert.equal(await direct.headBlob(digestOf(layer)), layer.length);
      assert.equal(await direct.headBlob(digestOf(chunked)), chunked.length);
      assert.equal((await direct.headManifest("2"))?.digest, digestOf(INDEX));
      assert.equal(await repository.deleteManifest(digestOf(INDEX)), true);
      assert.deepEqual(new Set(redirected), new Set(["POST", "PATCH", "PUT", "GET", "DELETE"]));
      assert.equal(elsewhere.length, 0);
    }
  }
});

Deno.test("a redirect of a streamed body that cannot be read again is an error", async () => {
  const { repository, state } = await twoHosts("basic", "");
  state.override = (request) =>
    request.method === "PATCH" && !request.url.includes("?") ? redirect(`${request.url}?x=1`) : undefined;
  const layer = new Uint8Array(1_500_000);
  await assert.rejects(repository.putBlob(describe("m", layer), toStream(layer)), {
    code: "REGISTRY_ERROR",
    message: /cannot be sent again/,
  });
});

Deno.test("writes follow redirects only to places that a location may name", async () => {
  const rows: [location: string, status: number, message: RegExp][] = [
    ["http://a.example/x", 307, /from https/],
    ["https://10.0.0.1/x", 307, /network/],
    ["file:///etc/passwd", 308, /not an http\(s\) URL/],
    ["https://a.example/x", 301, /301, which is followed for GET and HEAD only/],
    ["https://a.example/x", 302, /302, which is followed for GET and HEAD only/],
    ["https://a.example/x", 303, /303, which is followed for GET and HEAD only/],
  ];
  for (const [location, status, message] of rows) {
    for (const method of ["POST", "PUT", "PATCH"]) {
      const { repository, state } = await twoHosts("basic", "");
      state.override = (request) => request.method === method ? redirect(location, status) : undefined;
      const layer = new Uint8Array(1_500_000);
      const putting = method === "PUT"
        ? repository.putManifest("2", INDEX)
        : repository.putBlob(describe("m", layer), toStream(layer), { chunkSize: 1_000_000 });
      await assert.rejects(putting, { code: "REGISTRY_ERROR", message }, `${method} ${location}`);
    }
  }
});

Deno.test("the response of a fetch that follows redirects by itself is treated by its final URL", async () => {
  const seen: string[] = [];
  const fetch: Fetch = (request) => {
    seen.push(path(request));
    if (path(request) === "/v2/") return Promise.resolve(unauthorized('Bearer realm="/token"'));
    if (path(request) === "/token") return Promise.resolve(Response.json({ token: "t" }));
    const answer = unauthorized('Bearer realm="https://b.example/token"');
    const url = "https://b.example/x";
    return Promise.resolve(Object.defineProperties(answer, { url: { value: url }, redirected: { value: true } }));
  };
  const repository = new RegistryClient("a.example", { fetch, credentials: CREDENTIALS }).repository("app");
  await assert.rejects(repository.getManifest("1"), { status: 401, url: "https://b.example/x" });
  assert.deepEqual(seen, ["/v2/", "/token", "/v2/app/manifests/1"]);
});

Deno.test("a redirect with a user name and a password is followed without them", async () => {
  const { repository, elsewhere, state } = await twoHosts("basic", "Basic");
  state.override = ({ url }) => url.includes("/blobs/") ? redirect("https://u:p@b.example/blob") : undefined;
  await assert.rejects(getUnverifiedBlob(repository, BLOB.digest));
  assert.deepEqual(elsewhere.map(({ url, headers }) => [url, headers.get("authorization")]), [
    ["https://b.example/blob", null],
  ]);
});
