import assert from "node:assert/strict";
import { toStream } from "../../src/internal/room.ts";
import {
  type Fetch,
  getUnverifiedBlob,
  parseChallenges,
  RegistryClient,
  type RegistryClientOptions,
  type RegistryError,
} from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Credentials, digestOf } from "../../src/spec/room.ts";
import { makeImage, pushImage } from "../support/images.ts";

Deno.test("parseChallenges() reads the headers that servers send", () => {
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

/** A registry in this process; the number of token requests is recorded. */
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

Deno.test("requests with the same scope share one token, even if they are concurrent", async () => {
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
  // Every token is expired on arrival, so the second attempt fails too, and the request is not sent a third time.
  await assert.rejects(repository.headManifest("1"), { code: "UNAUTHORIZED" });
  assert.ok(tokens() <= 3);
});

Deno.test("credentials are sent to the registry only, not to redirects or upload locations, and are not in errors", async () => {
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
    getUnverifiedBlob(repository, digest, { maxRetries: 0 }),
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
  await assert.rejects(repository.getManifest("1"), { code: "UNAUTHORIZED", message: /does not use https/ });
});

const DIGEST = digestOf(new Uint8Array());
const REALM = "https://auth.example/token";
const CHALLENGE = `Bearer realm="${REALM}",service="r.example"`;

interface TokenServiceOptions {
  /** The challenge of the registry. */
  challenge?: string;
  /** Response of the token service. Default: a token that the registry accepts. */
  answer?: (request: Request, count: number, token: string) => Response | Promise<Response>;
  /** Rejects a request with a valid token. */
  refuse?: (request: Request, token: string, count: number) => Response | undefined;
  credentials?: Credentials | undefined;
  host?: string;
}

/** A registry that accepts every token that its token service has issued. */
function tokenService(options: TokenServiceOptions = {}) {
  const { challenge = CHALLENGE, answer, refuse, host = "r.example" } = options;
  const questions: { method: string; url: URL; form: URLSearchParams; authorization: string | null }[] = [];
  const given = new Set<string>();
  const used: string[] = [];
  const fetch: Fetch = async (request) => {
    const url = new URL(request.url);
    const authorization = request.headers.get("authorization");
    if (url.pathname.endsWith("/token")) {
      const form = new URLSearchParams(request.method === "POST" ? await request.text() : "");
      questions.push({ method: request.method, url, form, authorization });
      const token = `t${questions.length}`;
      given.add(`Bearer ${token}`);
      return await answer?.(request, questions.length, token) ?? Response.json({ token });
    }
    if (authorization !== null) used.push(authorization);
    const headers = { "www-authenticate": challenge };
    if (!given.has(authorization ?? "") && !authorization?.startsWith("Basic ")) {
      return new Response("", { status: 401, headers });
    }
    return refuse?.(request, authorization!, used.length) ??
      new Response(request.method === "HEAD" ? null : "", { status: request.method === "PUT" ? 201 : 404 });
  };
  const credentials = "credentials" in options ? options.credentials : { username: "me", password: "pw:1" };
  const client = new RegistryClient(host, { fetch, credentials, timeouts: { retryDelay: 1 } });
  return { repository: client.repository("app"), questions, used };
}

const BASIC = `Basic ${btoa("me:pw:1")}`;
const refused = (status: number) => () => new Response("{}", { status });

Deno.test("a token is requested with the password, once for all scopes that it covers", async () => {
  const { repository, questions } = tokenService();
  await repository.headBlob(DIGEST);
  await repository.headManifest("1");
  assert.equal(questions.length, 1);
  const { method, url, authorization } = questions[0]!;
  assert.equal(method, "GET");
  assert.equal(authorization, BASIC);
  assert.deepEqual([...url.searchParams], [
    ["service", "r.example"],
    ["scope", "repository:app:pull,push"],
    ["account", "me"],
  ]);
});

Deno.test("a mount requests one token with both scopes", async () => {
  const { repository, questions } = tokenService();
  await repository.mountBlob(DIGEST, "other");
  assert.deepEqual(questions[0]!.url.searchParams.getAll("scope"), [
    "repository:app:pull,push",
    "repository:other:pull",
  ]);
});

Deno.test("an identity token is used, and then the one that the service issues in its place", async () => {
  const { repository, questions } = tokenService({
    credentials: { identityToken: "first" },
    answer: (_, count, token) => Response.json({ access_token: token, refresh_token: `next${count}` }),
  });
  await repository.headManifest("1");
  await repository.headBlob(DIGEST);
  assert.deepEqual(questions.map(({ method, form }) => [method, form.get("grant_type"), form.get("refresh_token")]), [
    ["POST", "refresh_token", "first"],
    ["POST", "refresh_token", "next1"],
  ]);
  assert.equal(questions[1]!.form.get("scope"), "repository:app:pull,push");
  assert.equal(questions[1]!.form.get("service"), "r.example");
  assert.equal(questions[1]!.authorization, null);
});

Deno.test("the password is used if a token service does not accept identity tokens", async () => {
  for (const status of [400, 401, 403, 404, 405]) {
    const credentials = { username: "me", password: "pw:1", identityToken: "x" };
    const { repository, questions } = tokenService({
      credentials,
      answer: (request, _, token) => request.method === "POST" ? refused(status)() : Response.json({ token }),
    });
    await repository.headManifest("1");
    assert.deepEqual(questions.map(({ method }) => method), ["POST", "GET"]);
  }
});

Deno.test("an identity token that was issued and is rejected later is forgotten", async () => {
  const { repository, questions } = tokenService({
    credentials: { username: "me", password: "pw:1", identityToken: "first" },
    answer: (request, count, token) =>
      request.method === "POST" && count === 2
        ? refused(401)()
        : Response.json({ token, ...(count === 1 ? { refresh_token: "second" } : {}) }),
  });
  await repository.headManifest("1");
  await repository.headBlob(DIGEST);
  await repository.mountBlob(DIGEST, "other");
  const used = questions.map(({ method, form }) => form.get("refresh_token") ?? method);
  assert.deepEqual(used, ["first", "second", "GET", "first"]);
});

const answers: [name: string, answer: (token: string) => unknown, questions: number][] = [
  ["a token", (token) => ({ token }), 1],
  ["an access token", (token) => ({ access_token: token }), 1],
  ["both", (token) => ({ token, access_token: "other" }), 1],
  ["an empty token and an access token", (token) => ({ token: "", access_token: token }), 1],
  ["a lifetime of zero", (token) => ({ token, expires_in: 0 }), 1],
  ["an invalid lifetime", (token) => ({ token, expires_in: "soon" }), 1],
  ["an endless lifetime", (token) => ({ token, expires_in: 1e300 }), 1],
  ["a clock that is a day late", (token) => ({ token, issued_at: "2001-01-01T00:00:00Z", expires_in: 300 }), 1],
  ["a clock that is a day early", (token) => ({ token, issued_at: "2999-01-01T00:00:00Z", expires_in: 300 }), 1],
  ["an invalid refresh token", (token) => ({ token, refresh_token: 5 }), 1],
];

for (const [name, answer, count] of answers) {
  Deno.test(`a token service answers with ${name}`, async () => {
    const { repository, questions } = tokenService({ answer: (_, __, token) => Response.json(answer(token)) });
    for (let i = 0; i < 3; i++) assert.equal(await repository.headManifest(`${i}`), undefined);
    assert.equal(questions.length, count);
  });
}

const refusals: [name: string, answer: () => Response, code: string, questions: number][] = [
  ["a web page", () => new Response("<html>", { headers: { "content-type": "text/html" } }), "UNAUTHORIZED", 1],
  ["an empty body", () => new Response(""), "UNAUTHORIZED", 1],
  ["an empty token", () => Response.json({ token: "" }), "UNAUTHORIZED", 1],
  ["a token that cannot be a header", () => Response.json({ token: "a\nb" }), "UNAUTHORIZED", 1],
  [
    "an answer without an end",
    () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65536)) })),
    "UNAUTHORIZED",
    1,
  ],
  ["401", refused(401), "UNAUTHORIZED", 1],
  ["403", refused(403), "DENIED", 1],
  ["503 again and again", refused(503), "REGISTRY_ERROR", 4],
  [
    "429 again and again",
    () => new Response("", { status: 429, headers: { "retry-after": "0" } }),
    "TOO_MANY_REQUESTS",
    4,
  ],
];

for (const [name, answer, code, count] of refusals) {
  Deno.test(`a token service that answers with ${name} is an error`, async () => {
    const { repository, questions } = tokenService({ answer });
    await assert.rejects(repository.headManifest("1"), { code });
    assert.equal(questions.length, count);
  });
}

Deno.test("an anonymous request is sent without a token if the service issues none", async () => {
  let asked = 0;
  const fetch: Fetch = (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/token") return Promise.resolve(Response.json({ token: "" }));
    asked++;
    const headers = { "www-authenticate": CHALLENGE };
    return Promise.resolve(new Response("", { status: pathname === "/v2/" ? 401 : 404, headers }));
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  assert.equal(await repository.headBlob(DIGEST), undefined);
  assert.equal(asked, 2);
});

Deno.test("a 401 that requires more scopes is answered once with a token for them", async () => {
  const challenge =
    `Bearer realm="${REALM}",error="insufficient_scope",scope="repository:app:pull,delete repository:b:5000/x:pull"`;
  const { repository, questions } = tokenService({
    refuse: (_, token) =>
      token === "Bearer t1" ? new Response("", { status: 401, headers: { "www-authenticate": challenge } }) : undefined,
  });
  assert.equal(await repository.headManifest("1"), undefined);
  assert.deepEqual(questions[1]!.url.searchParams.getAll("scope"), [
    "repository:app:pull,delete",
    "repository:b:5000/x:pull",
  ]);
});

Deno.test("if a new token is rejected too, the request fails with the registry's reason", async () => {
  const challenge = `Bearer realm="${REALM}",error="invalid_token",error_description="signature unknown"`;
  const { repository, questions } = tokenService({
    refuse: () => new Response("", { status: 401, headers: { "www-authenticate": challenge } }),
  });
  await assert.rejects(repository.getManifest("1"), { code: "UNAUTHORIZED", message: /signature unknown/ });
  assert.equal(questions.length, 2);
});

Deno.test("after a 401 without a challenge that can be answered, the request is repeated with a new token", async () => {
  for (const challenge of [undefined, 'Bearer error="invalid_token"', "Negotiate"]) {
    const headers = new Headers(challenge === undefined ? {} : { "www-authenticate": challenge });
    const { repository, questions } = tokenService({
      refuse: (_, token) => token === "Bearer t1" ? new Response("", { status: 401, headers }) : undefined,
    });
    assert.equal(await repository.headManifest("1"), undefined);
    assert.equal(questions.length, 2);
  }
});

Deno.test("a streamed upload gets no token that has used up half of its life", async () => {
  const { now } = performance;
  let clock = 0;
  try {
    performance.now = () => clock;
    // Used for 50 s, which is 10 s less than it lives.
    const { repository, questions } = tokenService({
      answer: (_, __, token) => Response.json({ token, expires_in: 60 }),
    });
    await repository.headBlob(DIGEST);
    clock = 30_000;
    await repository.headBlob(DIGEST);
    assert.equal(questions.length, 1);
    const bytes = new Uint8Array(2_000_000);
    const blob = { mediaType: "m", digest: digestOf(bytes), size: bytes.length };
    // The registry opens no session.
    await assert.rejects(repository.putBlob(blob, toStream(bytes), { upload: { location: "https://r.example/v2/u" } }));
    assert.equal(questions.length, 2);
  } finally {
    performance.now = now;
  }
});

Deno.test("a registry that also accepts passwords gets the password if its token service fails", async () => {
  const { repository, used } = tokenService({ challenge: `${CHALLENGE}, Basic realm="x"`, answer: refused(500) });
  assert.equal(await repository.headBlob(DIGEST), undefined);
  assert.deepEqual(used, [BASIC]);
});

Deno.test("a token service with a rate limit is not avoided with the password", async () => {
  const { repository, used } = tokenService({ challenge: `${CHALLENGE}, Basic realm="x"`, answer: refused(429) });
  await assert.rejects(repository.headBlob(DIGEST, { maxRetries: 0 }), { code: "TOO_MANY_REQUESTS" });
  assert.deepEqual(used, []);
});

const realms: [name: string, host: string, realm: string, asked: string | undefined][] = [
  ["relative", "r.example", "/auth/token", "https://r.example/auth/token"],
  ["with a query", "r.example", "https://auth.example/token?x=1", "https://auth.example/token"],
  ["none", "r.example", "", undefined],
  ["with another scheme", "r.example", "file:///token", undefined],
  ["in our own network", "r.example", "https://169.254.169.254/token", undefined],
  ["on this machine", "r.example", "https://[::1]/token", undefined],
  ["in our own network, as the registry is", "10.1.2.3", "https://10.1.2.4/token", "https://10.1.2.4/token"],
];

for (const [name, host, realm, asked] of realms) {
  Deno.test(`a realm: ${name}`, async () => {
    const { repository, questions } = tokenService({ host, challenge: `Bearer realm="${realm}"` });
    if (asked === undefined) await assert.rejects(repository.headManifest("1"), { code: "UNAUTHORIZED" });
    else await repository.headManifest("1");
    const places = questions.map(({ url }) => url.origin + url.pathname);
    assert.deepEqual(places, asked === undefined ? [] : [asked]);
    if (realm.includes("?")) assert.equal(questions[0]!.url.searchParams.get("x"), "1");
  });
}

Deno.test("a token that expires during an upload is replaced, and the blob sent again if it can be", async () => {
  let first = true;
  const storage = createMemoryStorage();
  const registry = createRegistry({ storage });
  const given = new Set<string>();
  const fetch: Fetch = async (request) => {
    if (new URL(request.url).pathname === "/token") {
      given.add(`Bearer t${given.size}`);
      return Response.json({ token: `t${given.size - 1}` });
    }
    const expired = request.method === "PATCH" && first;
    if (expired) given.clear();
    if (given.has(request.headers.get("authorization") ?? "")) return await registry.fetch(request);
    if (expired) {
      first = false;
      // Half of the blob arrives, then the registry finds that the token has expired.
      await request.body!.getReader().read();
    }
    return new Response("", { status: 401, headers: { "www-authenticate": CHALLENGE } });
  };
  const client = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1 } });
  const bytes = new Uint8Array(2_000_000);
  const descriptor = { mediaType: "m", digest: digestOf(bytes), size: bytes.length };
  const open = (offset: number) => Promise.resolve(toStream(bytes.slice(offset)));
  await client.repository("app").putBlob(descriptor, await open(0), { reopen: open });
  assert.equal(await storage.statBlob("app", descriptor.digest), bytes.length);
});

Deno.test("a delete requests the permission under each name that registries use for it", async () => {
  const { repository, questions } = tokenService({
    answer: (request, _, token) =>
      new URL(request.url).searchParams.getAll("scope").some((scope) => scope.includes("*"))
        ? refused(403)()
        : Response.json({ token }),
  });
  assert.equal(await repository.deleteTag("1"), false);
  assert.deepEqual(questions.map(({ url }) => url.searchParams.get("scope")), [
    "repository:app:*",
    "repository:app:pull,push,delete",
  ]);
});

/** A registry over plain HTTP, whose token service at `realm` issues tokens to all, but permission only to known users. */
function plainRegistry(realm: string, status: number, options: RegistryClientOptions = {}) {
  const asked: (string | null)[] = [];
  const fetch: Fetch = (request) => {
    const { origin, pathname, protocol } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    if (protocol === "https:") return Promise.reject(new TypeError("no https"));
    if (origin + pathname === realm) {
      asked.push(authorization);
      return Promise.resolve(Response.json({ token: authorization === BASIC ? "known" : "anonymous" }));
    }
    if (authorization === "Bearer known") return Promise.resolve(new Response(null, { status: 202 }));
    const challenge = `Bearer realm="${realm}",error="insufficient_scope",scope="repository:app:pull"`;
    const headers = { "www-authenticate": challenge };
    const refusal = pathname === "/v2/" ? 401 : status;
    return Promise.resolve(new Response("", { status: refusal, headers: refusal === 401 ? headers : {} }));
  };
  const credentials = { username: "me", password: "pw:1" };
  const client = new RegistryClient("r.example:5000", { fetch, insecure: true, credentials, ...options });
  return { repository: client.repository("app"), asked };
}

Deno.test("a token service on another host gets no credentials over plain HTTP, and the error says so", async () => {
  for (const status of [401, 403, 404]) {
    const realm = "http://auth.example:5001/token";
    const { repository, asked } = plainRegistry(realm, status);
    await assert.rejects(repository.getManifest("1"), (error: RegistryError) => {
      assert.equal(error.status, status);
      assert.match(error.message, /http:\/\/auth\.example:5001\/token/);
      assert.match(
        error.message,
        /credentials for r\.example:5000 were not sent .* another host and does not use https/,
      );
      assert.match(error.message, /--insecure-token-service auth\.example:5001 \(insecureTokenServices\)/);
      return true;
    });
    assert.ok(asked.length > 0 && asked.every((authorization) => authorization === null));
  }
});

Deno.test("the error says so, too, if the token service rejects the anonymous request", async () => {
  const realm = "http://auth.example/token";
  const fetch: Fetch = ({ url }) =>
    url.startsWith("https:") ? Promise.reject(new TypeError("no https")) : Promise.resolve(
      new Response("{}", { status: 401, headers: { "www-authenticate": `Bearer realm="${realm}"` } }),
    );
  const client = new RegistryClient("r.example", {
    fetch,
    insecure: true,
    credentials: { username: "a", password: "b" },
  });
  await assert.rejects(client.repository("app").getManifest("1"), {
    code: "UNAUTHORIZED",
    message: /not sent to its token service http:\/\/auth\.example\/token/,
  });
});

Deno.test("a token service gets credentials over plain HTTP on the registry's host, or if its host is allowed", async () => {
  const rows: [realm: string, options: RegistryClientOptions, sent: boolean][] = [
    ["http://r.example:5001/token", {}, true],
    ["http://auth.example:5001/token", { insecureTokenServices: ["auth.example:5001"] }, true],
    ["http://auth.example:5001/token", { insecureTokenServices: ["auth.example", "auth.example:5002"] }, false],
  ];
  for (const [realm, options, sent] of rows) {
    const { repository, asked } = plainRegistry(realm, 401, options);
    const deleting = repository.deleteTag("1");
    if (sent) assert.equal(await deleting, true);
    else await assert.rejects(deleting, { code: "UNAUTHORIZED" });
    assert.ok(asked.every((authorization) => authorization === (sent ? BASIC : null)));
  }
});

Deno.test("an error says that the credentials were rejected, even for public content", async () => {
  const basic: Fetch = (request) =>
    Promise.resolve(
      request.url.endsWith("/v2/") || request.headers.has("authorization")
        ? new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } })
        : new Response("public"),
    );
  const bearer = (status: number): Fetch => (request) =>
    Promise.resolve(
      new URL(request.url).pathname !== "/token"
        ? new Response("", { status: 401, headers: { "www-authenticate": CHALLENGE } })
        : request.headers.has("authorization") || request.method === "POST"
        ? new Response('{"errors":[{"code":"UNAUTHORIZED","message":"password expired"}]}', { status })
        : Response.json({ token: "t" }),
    );
  const password = { username: "me", password: "old" };
  const rows: [Fetch, Credentials, RegExp][] = [
    [basic, password, /the registry rejected the credentials for r\.example/],
    [bearer(401), password, /password expired; the token service rejected the credentials for r\.example/],
    [bearer(403), password, /the token service rejected the credentials for r\.example/],
    [bearer(400), { identityToken: "old" }, /the token service rejected the credentials for r\.example/],
  ];
  for (const [fetch, credentials, message] of rows) {
    const repository = new RegistryClient("r.example", { fetch, credentials }).repository("app");
    await assert.rejects(repository.getManifest("1"), { message });
  }
});

Deno.test("neither passwords nor tokens are in errors", async () => {
  const secrets = { username: "me", password: "hunter2", identityToken: "topsecret" };
  const rows: TokenServiceOptions[] = [
    { answer: refused(500) },
    { answer: (request) => request.method === "POST" ? refused(401)() : new Response("no") },
    {
      answer: () =>
        Promise.reject(new TypeError("error sending request for url (https://auth.example/token?topsecret)")),
    },
    { answer: () => Response.json({ token: "hunter2\u0000" }) },
    { refuse: () => new Response("", { status: 401 }) },
  ];
  for (const options of rows) {
    const { repository } = tokenService({ ...options, credentials: secrets });
    const error = await repository.getManifest("1").then(() => assert.fail(), (error) => error);
    assert.doesNotMatch(Deno.inspect(error), /hunter2|topsecret|aHVudGVyMg|"t1"/);
  }
});

Deno.test("a token is replaced a tenth, or at least ten seconds, before its end", async () => {
  const { now } = performance;
  let clock = 0;
  try {
    performance.now = () => clock;
    for (const [seconds, used] of [[60, 50_000], [1000, 900_000]] as const) {
      clock = 0;
      const { repository, questions } = tokenService({
        answer: (_, __, token) => Response.json({ token, expires_in: seconds }),
      });
      for (const [time, expected] of [[0, 1], [used - 1, 1], [used, 2]] as const) {
        clock = time;
        await repository.headBlob(DIGEST);
        assert.equal(questions.length, expected, `${seconds} ${time}`);
      }
    }
  } finally {
    performance.now = now;
  }
});
