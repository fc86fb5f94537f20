import assert from "node:assert/strict";
import { parseChallenges, RegistryClient } from "../../src/registry/mod.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/mod.ts";
import { makeImage, pushImage } from "../support/images.ts";

Deno.test("parseChallenges() understands what servers send", () => {
  const rows: [string, [string, Record<string, string>][]][] = [
    ["Basic", [["basic", {}]]],
    ['Basic realm="x"', [["basic", { realm: "x" }]]],
    ['Bearer realm="https://a/t?x=1,2",service="s",scope=""', [
      ["bearer", { realm: "https://a/t?x=1,2", service: "s", scope: "" }],
    ]],
    ['Negotiate, Bearer realm="https://a"', [["negotiate", {}], ["bearer", { realm: "https://a" }]]],
    ['Basic realm="a", Bearer realm="b" ,service="c"', [["basic", { realm: "a" }], ["bearer", {
      realm: "b",
      service: "c",
    }]]],
    ["Bearer realm=https://a/token,service=s", [["bearer", { realm: "https://a/token", service: "s" }]]],
    ['bearer REALM="q\\"uoted",realm="second"', [["bearer", { realm: 'q"uoted' }]]],
    ['Bearer realm="unclosed', [["bearer", { realm: "unclosed" }]]],
    ["", []],
    [",,;", []],
  ];
  for (const [header, expected] of rows) {
    const got = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
    assert.deepEqual(got, expected, header);
  }
});

/** A registry in this process that counts token requests. */
function guarded(scheme: "basic" | "bearer", tokenLifetime = 300) {
  const registry = createRegistry({
    storage: createMemoryStorage(),
    access: { scheme, users: { me: "secret:1" }, tokenLifetime },
  });
  const log: { path: string; authorization: string | null }[] = [];
  const fetch = (request: Request) => {
    log.push({ path: new URL(request.url).pathname, authorization: request.headers.get("authorization") });
    return registry.fetch(request);
  };
  return { fetch, log, tokens: () => log.filter(({ path }) => path === "/token").length };
}

for (const scheme of ["basic", "bearer"] as const) {
  Deno.test(`a ${scheme} registry is used with credentials and refused without`, async () => {
    const { fetch } = guarded(scheme);
    const credentials = { username: "me", password: "secret:1" };
    const repository = new RegistryClient("r.example", { fetch, credentials }).repository("app");
    const image = makeImage({ architecture: "amd64" });
    await pushImage(repository, image, "1");
    assert.equal((await repository.getManifest("1")).digest, image.digest);
    for (const wrong of [undefined, { username: "me", password: "no" }]) {
      const other = new RegistryClient("r.example", { fetch, credentials: wrong }).repository("app");
      await assert.rejects(other.getManifest("1"), { code: "UNAUTHORIZED", status: 401 });
    }
  });
}

Deno.test("requests with the same scope share one token, also when made at once", async () => {
  const { fetch, tokens } = guarded("bearer");
  const credentials = { username: "me", password: "secret:1" };
  const repository = new RegistryClient("r.example", { fetch, credentials }).repository("app");
  await Promise.all(Array.from({ length: 20 }, () => repository.headManifest("1")));
  assert.equal(tokens(), 1);
  await repository.mountBlob(`sha256:${"0".repeat(64)}` as never, "other");
  assert.equal(tokens(), 2);
});

Deno.test("a token that the registry no longer knows is fetched again", async () => {
  const { fetch, tokens } = guarded("bearer", -1);
  const credentials = { username: "me", password: "secret:1" };
  const repository = new RegistryClient("r.example", { fetch, credentials }).repository("app");
  // Every token is expired on arrival, so the second attempt fails too, and that is the end of it.
  await assert.rejects(repository.headManifest("1"), { code: "UNAUTHORIZED" });
  assert.ok(tokens() <= 3);
});

Deno.test("credentials stay with the registry: not in errors, not sent to where it redirects or uploads", async () => {
  const seen: [string, string | null][] = [];
  const fetch = (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    seen.push([url.host, request.headers.get("authorization")]);
    if (url.host === "storage.example") {
      return request.method === "GET"
        ? Promise.reject(new TypeError(`error sending request for url (${request.url}): client error (Connect)`))
        : Promise.resolve(new Response("{}", { status: 403 }));
    }
    if (request.headers.get("authorization") === null) {
      return Promise.resolve(new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } }));
    }
    const location = "https://storage.example/blob?signature=topsecret";
    const status = request.method === "POST" ? 202 : 307;
    return Promise.resolve(new Response("", { status, headers: { location } }));
  };
  const credentials = { username: "me", password: "hunter2" };
  const repository = new RegistryClient("r.example", { fetch, credentials }).repository("app");
  const digest = `sha256:${"0".repeat(64)}` as never;
  const failures = await Promise.allSettled([
    repository.getUnverifiedBlob(digest, { maxRetries: 0 }),
    repository.putBlob({ mediaType: "m", digest, size: 2_000_000 }, new Blob([new Uint8Array(5)]).stream() as never),
  ]);
  assert.ok(seen.some(([host]) => host === "storage.example"));
  for (const [host, authorization] of seen) if (host === "storage.example") assert.equal(authorization, null);
  for (const failure of failures) {
    assert.equal(failure.status, "rejected");
    assert.doesNotMatch(Deno.inspect(failure), /hunter2|topsecret|aHVudGVyMg/);
  }
});

Deno.test("a realm is never less secure than the registry", async () => {
  const fetch = (request: Request) =>
    Promise.resolve(
      new Response("", {
        status: request.url.endsWith("/v2/") ? 401 : 500,
        headers: { "www-authenticate": 'Bearer realm="http://evil.example/token"' },
      }),
    );
  const credentials = { username: "me", password: "secret" };
  const repository = new RegistryClient("r.example", { fetch, credentials }).repository("app");
  await assert.rejects(repository.getManifest("1"), { code: "UNAUTHORIZED", message: /not https/ });
});
