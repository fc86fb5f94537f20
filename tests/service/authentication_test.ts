/** Authentication of callers, and their permissions. */
import assert from "node:assert/strict";
import {
  bearerTokens,
  githubOidc,
  type GithubOidcRule,
  type HandlerOptions,
  type JsonWebKeySet,
} from "../../src/service/room.ts";
import { assertRefused, call, HOST, makeWorld, TOKEN } from "../support/handlers.ts";
import { TestIssuer, toBase64Url } from "../support/jwt.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const AUDIENCE = "https://handler.example";
const ISSUER = "https://token.actions.githubusercontent.com";
const NOW = 1_700_000_000;
const ALLOW: readonly GithubOidcRule[] = [{ claims: { repository: "me/app" } }];

const issuer = await TestIssuer.create();
const stranger = await TestIssuer.create();

/** Claims of a token that is valid at `NOW`. */
const claims = (more: Record<string, unknown> = {}) => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: "repo:me/app:ref:refs/heads/main",
  repository: "me/app",
  repository_owner: "me",
  ref: "refs/heads/main",
  iat: NOW - 10,
  nbf: NOW - 10,
  exp: NOW + 300,
  ...more,
});

/** Calls a handler for an image that always exists. */
async function ask(options: Partial<HandlerOptions>, token: string | null, headers: Record<string, string> = {}) {
  const handler = world.handler({ now: () => NOW * 1000, ...options });
  return await call(handler, "/inspect", { body: { image: `${HOST}/app:amd64` }, token, headers });
}

const world = await makeWorld(["amd64"]);

const oidc = (allow = ALLOW, jwks: JsonWebKeySet = { keys: [issuer.jwk] }) => ({
  authorize: githubOidc({ audience: AUDIENCE, jwks, allow }),
});

Deno.test("each of several bearer tokens is accepted, and nothing else", async () => {
  const [one, two] = ["first-token-of-two", "second-token-of-two"];
  const options = { authorize: bearerTokens([{ token: one }, { token: two }]) };
  for (const token of [one, two]) assert.equal((await ask(options, token)).status, 200);
  assert.equal((await ask(options, null, { authorization: `bEARER   ${one}` })).status, 200);
  const wrong = [`${one}x`, one.slice(0, -1), one.toUpperCase(), `${one},${two}`, "x", "=", `${one} ${two}`];
  for (const token of wrong) {
    const answer = await ask(options, token);
    assertRefused(answer, 401, "UNAUTHORIZED");
    assert.match(answer.headers.get("www-authenticate")!, /^Bearer realm="manifests", error="invalid_/);
  }
  const missing = await ask(options, null);
  assertRefused(missing, 401, "UNAUTHORIZED");
  assert.equal(missing.headers.get("www-authenticate"), 'Bearer realm="manifests"');
  for (const authorization of [`Basic ${btoa(`me:${one}`)}`, one, "Bearer", "Bearer "]) {
    assertRefused(await ask(options, null, { authorization }), 401, "UNAUTHORIZED");
  }
});

Deno.test("invalid bearer tokens are rejected when they are configured", () => {
  const good = "a-token-that-is-good";
  const bad = [[], [{ token: "" }], [{ token: "short" }], [{ token: good }, { token: good }], [{ token: `${good} x` }]];
  for (const tokens of [...bad, [{ token: `${good}\n` }], [{ token: `${good}ä` }]]) {
    assert.throws(
      () => bearerTokens(tokens),
      (error: Error) => error instanceof TypeError && !error.message.includes(good),
    );
  }
  const grants = [{ targets: ["not a repository"] }, { sources: ["quay.io"] }, { actions: ["fan_in" as "fan-in"] }];
  for (const grant of grants) {
    assert.throws(() => world.handler({ authorize: bearerTokens([{ token: good, ...grant }]) }), TypeError);
  }
});

Deno.test("a grant restricts endpoints, targets and sources, and never extends the handler's own", async () => {
  await world.push({ architecture: "amd64" }, "team/a");
  await world.push({ architecture: "amd64" }, "team/b");
  await world.push({ architecture: "amd64" }, "base");
  const tokens = {
    inspector: { token: "only-for-inspection", actions: ["inspect"] as const },
    a: { token: "team-a-and-nothing-else", targets: [`${HOST}/team/a`] },
    isolated: { token: "team-a-without-the-base", targets: [`${HOST}/team/a`], sources: [] },
    greedy: { token: "asks-for-more-than-allowed", targets: ["other.example/*"], sources: ["other.example/*"] },
  };
  const handler = world.handler({
    authorize: bearerTokens(Object.values(tokens)),
    targets: [`${HOST}/team/*`],
    sources: [`${HOST}/base`],
  });
  const at = (name: string) => `${HOST}/${name}:amd64`;
  const compose = (target: string, source: string) =>
    ["/compose", { target: at(target), sources: [at(source)] }] as const;
  const inspect = (image: string) => ["/inspect", { image: at(image) }] as const;
  const cases: [keyof typeof tokens, readonly [string, unknown], number][] = [
    ["inspector", inspect("team/b"), 200],
    ["inspector", compose("team/a", "team/a"), 403],
    ["a", compose("team/a", "base"), 200],
    ["a", compose("team/a", "team/b"), 403],
    ["a", compose("team/b", "team/a"), 403],
    ["a", inspect("team/b"), 403],
    ["a", inspect("base"), 200],
    ["isolated", inspect("base"), 403],
    ["isolated", inspect("team/a"), 200],
    ["greedy", inspect("team/a"), 403],
    ["greedy", ["/inspect", { image: "other.example/x:1" }], 403],
    ["inspector", compose("base", "base"), 403],
  ];
  for (const [name, [path, body], status] of cases) {
    const answer = await call(handler, path, { body, token: tokens[name].token });
    assert.equal(answer.status, status, `${name} ${path} ${JSON.stringify([body, answer.body])}`);
  }
  const everything = world.handler({ targets: [`${HOST}/team/*`], sources: [`${HOST}/base`] });
  assertRefused(await call(everything, ...asInit(compose("base", "team/a"))), 403, "DENIED");
});

const asInit = ([path, body]: readonly [string, unknown]) => [path, { body }] as const;

Deno.test("tokens of GitHub are accepted if all of their claims are valid", async () => {
  assert.equal((await ask(oidc(), await issuer.sign(claims()))).status, 200);
  assert.equal((await ask(oidc(), await issuer.sign(claims({ aud: ["x", AUDIENCE] })))).status, 200);
  assert.equal((await ask(oidc(), await issuer.sign(claims({ nbf: undefined })))).status, 200);
  // Clocks may differ by 30 seconds.
  assert.equal((await ask(oidc(), await issuer.sign(claims({ iat: NOW + 29, nbf: NOW + 29 })))).status, 200);
  assert.equal((await ask(oidc(), await issuer.sign(claims({ exp: NOW - 29 })))).status, 200);
  const wrong: Record<string, unknown>[] = [
    { iss: "https://evil.example" },
    { iss: `${ISSUER}/` },
    { iss: undefined },
    { aud: "https://other.example" },
    { aud: [] },
    { aud: undefined },
    { exp: NOW - 31 },
    { exp: undefined },
    { exp: `${NOW + 300}` },
    { nbf: NOW + 31 },
    { nbf: "x" },
    { iat: NOW + 31 },
    { iat: undefined },
  ];
  for (const more of wrong) {
    assertRefused(await ask(oidc(), await issuer.sign(claims(more))), 401, "UNAUTHORIZED");
  }
});

Deno.test("tokens with another algorithm, key, format or signature are rejected", async () => {
  const good = await issuer.sign(claims());
  const [head, payload, signature] = good.split(".") as [string, string, string];
  const publicKey = new TextEncoder().encode(JSON.stringify(issuer.jwk));
  const hmac = await crypto.subtle.importKey("raw", publicKey, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const hsHead = toBase64Url(JSON.stringify({ alg: "HS256", typ: "JWT", kid: issuer.kid }));
  const hsSigned = new TextEncoder().encode(`${hsHead}.${payload}`);
  const hs = toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", hmac, hsSigned)));
  const none = toBase64Url(JSON.stringify({ alg: "none", kid: issuer.kid }));
  const flipped = (text: string, at: number) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  const tokens = [
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${hsHead}.${payload}.${hs}`,
    await issuer.sign(claims(), { alg: "RS512" }),
    await issuer.sign(claims(), { alg: "rs256" }),
    await issuer.sign(claims(), { kid: "key-2" }),
    await issuer.sign(claims(), { kid: undefined }),
    await issuer.sign(claims(), { kid: ["key-1"] }),
    await issuer.sign(claims(), { crit: ["b64"], b64: false }),
    await stranger.sign(claims()),
    await stranger.sign(claims(), { jwk: stranger.jwk, jku: "https://evil.example/jwks" }),
    await issuer.sign([claims()]),
    await issuer.sign("text"),
    await issuer.sign(null),
    `${head}.${flipped(payload, 20)}.${signature}`,
    `${head}.${payload}.${flipped(signature, 20)}`,
    `${head}.${payload}.${signature}.x`,
    `${head}.${payload}`,
    `${head}..${signature}`,
    `.${payload}.${signature}`,
    `${toBase64Url("{")}.${payload}.${signature}`,
    `${toBase64Url(new Uint8Array([0xff, 0xfe]))}.${payload}.${signature}`,
    `${head}.${payload}A.${signature}`,
    await issuer.sign(claims({ padding: "x".repeat(20_000) })),
  ];
  for (const token of tokens) assertRefused(await ask(oidc(), token), 401, "UNAUTHORIZED");
  assert.equal((await ask(oidc(), good)).status, 200);
});

Deno.test("keys that are not for signatures, or too short, are not used", async () => {
  const small = await TestIssuer.create("small", 1024);
  const keys: [JsonWebKeySet["keys"][number], TestIssuer][] = [
    [{ ...issuer.jwk, use: "enc" }, issuer],
    [{ ...issuer.jwk, alg: "RS512" }, issuer],
    [{ ...issuer.jwk, kty: "EC" }, issuer],
    [{ ...issuer.jwk, n: "" }, issuer],
    [small.jwk, small],
  ];
  for (const [key, signer] of keys) {
    const token = await signer.sign(claims());
    assertRefused(await ask(oidc(ALLOW, { keys: [key] }), token), 401, "UNAUTHORIZED");
  }
});

Deno.test("a token gets the grants of all rules that match its claims, and none if no rule matches", async () => {
  const workflow = "me/workflows/.github/workflows/release.yml";
  const token = await issuer.sign(
    claims({ environment: "production", run_id: "1", job: ["x"], job_workflow_ref: `${workflow}@refs/tags/v2` }),
  );
  const cases: [claims: GithubOidcRule["claims"], status: number][] = [
    [{ repository: "me/app" }, 200],
    [{ repository: ["you/app", "me/app"] }, 200],
    [{ repository: "me/*" }, 200],
    [{ repository: "me/app", ref: "refs/heads/*" }, 200],
    [{ sub: "repo:me/app:*" }, 200],
    [{ sub: "repo:me/*" }, 200],
    [{ repository: "me/app", environment: "production" }, 200],
    // The reusable workflow that the job is in, whichever repository called it.
    [{ repository_owner: "me", job_workflow_ref: `${workflow}@refs/tags/v2` }, 200],
    [{ repository_owner: "me", job_workflow_ref: `${workflow}@refs/tags/*` }, 200],
    [{ repository_owner: "me", job_workflow_ref: `${workflow}@refs/heads/main` }, 403],
    [{ repository_owner: "me", job_workflow_ref: "me/workflows/.github/workflows/test.yml@*" }, 403],
    [{ repository_owner: "me", workflow_ref: `${workflow}@refs/tags/v2` }, 403],
    [{ repository: "me/ap" }, 403],
    [{ repository: "Me/App" }, 403],
    [{ repository: "you/*" }, 403],
    [{ repository: "me/app", ref: "refs/tags/*" }, 403],
    [{ repository: "me/app", environment: "staging" }, 403],
    [{ repository: "me/app", actor: "*" }, 403],
    [{ repository: "me/app", job: "x" }, 403],
    [{ repository: "me/app", toString: "*" }, 403],
    [{ repository: "me/app", iat: "*" }, 403],
  ];
  for (const [required, status] of cases) {
    assert.equal((await ask(oidc([{ claims: required }]), token)).status, status, JSON.stringify(required));
  }
  const several: GithubOidcRule[] = [{ claims: { repository: "me/app" }, actions: ["compose"] }];
  assert.equal((await ask(oidc(several), token)).status, 403);
  several.push({ claims: { repository: "me/app", ref: "refs/heads/main" }, actions: ["inspect"] });
  assert.equal((await ask(oidc(several), token)).status, 200);
});

Deno.test("one grant must allow both the source and the target", async () => {
  await world.push({ architecture: "amd64" }, "team/c");
  await world.push({ architecture: "amd64" }, "team/d");
  const allow = ["c", "d"].map((team) => ({
    claims: { repository: "me/app", ref: "refs/heads/main" },
    targets: [`${HOST}/team/${team}`],
  }));
  const handler = world.handler({ ...oidc(allow), now: () => NOW * 1000, targets: [`${HOST}/team/*`] });
  const token = await issuer.sign(claims());
  const compose = async (target: string, source: string) => {
    const body = { target: `${HOST}/team/${target}:1`, sources: [`${HOST}/team/${source}:amd64`] };
    return (await call(handler, "/compose", { body, token })).status;
  };
  assert.deepEqual([await compose("c", "c"), await compose("d", "d"), await compose("c", "d")], [200, 200, 403]);
});

Deno.test("rules that would admit any GitHub user are rejected when they are configured", () => {
  const bad: GithubOidcRule["claims"][] = [
    {},
    { ref: "refs/heads/main" },
    { job_workflow_ref: "me/app/.github/workflows/release.yml@refs/heads/main" },
    { repository: [] },
    { repository: "" },
    { repository: "*" },
    { repository: "me*" },
    { repository: "/*" },
    { repository: ["me/app", "*"] },
    { repository_owner: "m*" },
    { sub: "*" },
    { sub: "repo:*" },
    { sub: "repo:me*" },
    { sub: "environment:production" },
    { sub: "ref:refs/heads/*" },
  ];
  const jwks = { keys: [] };
  for (const claims of bad) {
    assert.throws(
      () => githubOidc({ audience: AUDIENCE, jwks, allow: [{ claims }] }),
      TypeError,
      JSON.stringify(claims),
    );
  }
  assert.throws(() => githubOidc({ audience: AUDIENCE, jwks, allow: [] }), TypeError);
  assert.throws(() => githubOidc({ audience: "", jwks, allow: ALLOW }), TypeError);
});

Deno.test("keys are fetched once for concurrent callers, after a minute for an unknown key, and after an hour", async () => {
  const next = await TestIssuer.create("key-2");
  const [old, unknown] = [await issuer.sign(claims({ exp: NOW + 9999 })), await next.sign(claims({ exp: NOW + 9999 }))];
  let now = NOW * 1000, fetched = 0;
  let answer: () => JsonWebKeySet = () => ({ keys: [issuer.jwk] });
  const jwks = (_: AbortSignal) => {
    fetched++;
    return Promise.resolve().then(answer);
  };
  const handler = world.handler({
    authorize: [bearerTokens([{ token: TOKEN }]), githubOidc({ audience: AUDIENCE, jwks, allow: ALLOW })],
    now: () => now,
  });
  const status = async (token: string) =>
    (await call(handler, "/inspect", { body: { image: `${HOST}/app:amd64` }, token })).status;
  const check = async (token: string, expected: number, fetches: number) =>
    assert.deepEqual([await status(token), fetched], [expected, fetches]);
  await check(TOKEN, 200, 0);
  assert.deepEqual(await Promise.all([old, old, unknown].map(status)), [200, 200, 401]);
  assert.equal(fetched, 1);
  answer = () => ({ keys: [issuer.jwk, next.jwk] });
  now += 59_999;
  await check(unknown, 401, 1);
  now += 1;
  await check(unknown, 200, 2);
  await check(old, 200, 2);
  // While the issuer does not answer, keys of the last hour are valid, and callers do not repeat the request.
  answer = () => {
    throw new Error("the issuer is down");
  };
  now += 3_600_000;
  await check(old, 200, 2);
  now += 1;
  await check(old, 503, 3);
  await check(old, 503, 3);
  answer = () => ({ keys: [next.jwk] });
  now += 5_000;
  await check(old, 401, 4);
  await check(unknown, 200, 4);
});

Deno.test("an issuer that does not answer does not block its callers forever", async () => {
  const never = () => new Promise<never>(() => {});
  const token = await issuer.sign(claims());
  for (
    const authorize of [
      githubOidc({ audience: AUDIENCE, jwks: never, allow: ALLOW }),
      { grants: [], authenticate: never },
    ]
  ) {
    assertRefused(await ask({ authorize, limits: { requestTimeout: 20 } }, token), 504, "TIMEOUT");
  }
});
