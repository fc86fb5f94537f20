import assert from "node:assert/strict";
import { readStream } from "../../src/internal/room.ts";
import { type Fetch, RegistryClient, type RegistryClientOptions, type RetryEvent } from "../../src/registry/room.ts";
import { digestOf, ManifestsError, MEDIA_TYPES } from "../../src/spec/room.ts";
import { clientOf, encode } from "../support/images.ts";
import { serve } from "../support/registries.ts";
import { runPending } from "../support/timers.ts";

type Answer = (request: Request, count: number) => Response;

/** A client whose requests get scripted responses; the ping succeeds. */
function scripted(answer: Answer, timeouts: RegistryClientOptions["timeouts"] = {}) {
  const requests: Request[] = [];
  const retried: string[] = [];
  const fetch = (request: Request): Promise<Response> => {
    if (request.url.endsWith("/v2/")) return Promise.resolve(new Response(""));
    requests.push(request);
    return Promise.resolve(answer(request, requests.length));
  };
  const client = new RegistryClient("r.example", {
    fetch,
    timeouts: { retryDelay: 0, ...timeouts },
    onRetry: ({ step }) => void retried.push(step),
  });
  return { repository: client.repository("app"), requests, retried };
}

const DIGEST = digestOf(new Uint8Array());
const MANIFEST = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
const manifestAnswer = () => new Response(MANIFEST, { headers: { "content-type": MEDIA_TYPES.ociIndex } });

Deno.test("requests are repeated after temporary failures, when the server asks for that", async () => {
  const { repository, requests } = scripted((_, count) =>
    count < 3
      ? new Response("", { status: count === 1 ? 503 : 429, headers: { "retry-after": "0" } })
      : manifestAnswer()
  );
  assert.deepEqual((await repository.getManifest("1")).bytes, MANIFEST);
  assert.equal(requests.length, 3);
});

Deno.test("reads survive one 500, 408 or rate limit of the registry, its token service, a manifest or a blob", async () => {
  const limit = { "retry-after": "0" };
  const secondary = '{"message":"You have exceeded a secondary rate limit."}';
  const failures: [name: string, status: number, body?: string, headers?: Record<string, string>][] = [
    ["500", 500],
    ["408", 408],
    ["507", 507],
    ["429", 429, "", limit],
    ["403 with Retry-After", 403, "", limit],
    ["403 with a text", 403, secondary],
  ];
  for (const [name, status, body = "", headers = {}] of failures) {
    const seen = new Set<string>();
    const retried: RetryEvent[] = [];
    const fetch = (request: Request): Promise<Response> => {
      const { pathname } = new URL(request.url);
      const key = `${request.method} ${pathname}`;
      const hidden = request.method === "HEAD" && status === 403 && !headers["retry-after"];
      if (!seen.has(key) && !hidden) {
        seen.add(key);
        return Promise.resolve(new Response(request.method === "HEAD" ? null : body, { status, headers }));
      }
      if (pathname === "/token") return Promise.resolve(Response.json({ token: "t" }));
      if (!request.headers.has("authorization")) {
        const challenge = { "www-authenticate": 'Bearer realm="/token"' };
        return Promise.resolve(new Response("", { status: 401, headers: challenge }));
      }
      return Promise.resolve(pathname === "/v2/" ? new Response("") : manifestAnswer());
    };
    const options = { fetch, timeouts: { retryDelay: 0 }, onRetry: (event: RetryEvent) => void retried.push(event) };
    for (const credentials of [undefined, { username: "me", identityToken: "x" }]) {
      const repository = new RegistryClient("r.example", { ...options, credentials }).repository("app");
      seen.clear();
      retried.length = 0;
      assert.equal((await repository.getManifest("1")).bytes.length, MANIFEST.length, name);
      await repository.headManifest("1");
      const blob = { mediaType: "m", digest: digestOf(MANIFEST), size: MANIFEST.length };
      assert.ok(await readStream(await repository.getBlob(blob), 1_000));
      const steps = retried.map(({ step }) => step.replace("https://r.example", ""));
      assert.deepEqual(steps, [
        "looking for the registry r.example",
        `${credentials ? "POST" : "GET"} /token`,
        "GET /v2/app/manifests/1",
        ...(seen.has("HEAD /v2/app/manifests/1") ? ["HEAD /v2/app/manifests/1"] : []),
        `GET /v2/app/blobs/${blob.digest}`,
      ], name);
      assert.ok(retried.every(({ attempt, maxRetries }) => attempt === 1 && maxRetries === 3));
    }
  }
});

Deno.test("writes are repeated if the registry did not process them, not after a 500", async () => {
  const rows: [status: number, headers: Record<string, string>, requests: number][] = [
    [408, {}, 4],
    [503, {}, 4],
    [403, { "retry-after": "0" }, 4],
    [403, {}, 1],
    [500, {}, 1],
    [501, {}, 1],
  ];
  for (const [status, headers, expected] of rows) {
    const { repository, requests, retried } = scripted(() => new Response("", { status, headers }));
    const code = status !== 403 ? "REGISTRY_ERROR" : expected > 1 ? "TOO_MANY_REQUESTS" : "DENIED";
    await assert.rejects(repository.putManifest("1", MANIFEST), { code, status });
    assert.equal(requests.filter(({ method }) => method === "PUT").length, expected, `${status}`);
    assert.equal(retried.length, expected - 1);
  }
});

Deno.test("the client's number of retries also limits interrupted manifests and conditional writes", async () => {
  const cutOff = () => new ReadableStream({ pull: () => Promise.reject(new TypeError("the connection ended")) });
  for (const [client, call, expected] of [[0, undefined, 1], [5, undefined, 6], [5, 1, 2]] as const) {
    const options = { maxRetries: call };
    const reading = scripted(() => new Response(cutOff()), { maxRetries: client });
    await assert.rejects(reading.repository.getManifest("1", options), { code: "NETWORK" });
    assert.equal(reading.requests.length, expected);
    const writing = scripted(
      ({ method }) => new Response(null, { status: method === "PUT" ? 503 : 404 }),
      { maxRetries: client },
    );
    await assert.rejects(writing.repository.putManifest("1", MANIFEST, { ...options, ifMatch: null }), { status: 503 });
    assert.equal(writing.requests.filter(({ method }) => method === "PUT").length, expected);
  }
});

Deno.test("an error of this module that a fetch throws, or wraps, keeps its code", async () => {
  const refused = new ManifestsError("DENIED", "Cannot reach r.example: not allowed");
  for (const error of [refused, new TypeError("fetch failed", { cause: refused })]) {
    const fetch = ({ url }: Request) =>
      url.endsWith("/v2/") ? Promise.resolve(new Response("")) : Promise.reject(error);
    const client = new RegistryClient("r.example", { fetch, timeouts: { maxRetries: 0 } });
    await assert.rejects(client.repository("app").getManifest("1"), { code: "DENIED" });
  }
});

Deno.test("a registry that answers over one scheme is not reported as unreachable because of the other", async () => {
  for (const answering of ["http:", "https:"]) {
    const fetch = (request: Request): Promise<Response> =>
      request.url.startsWith(answering)
        ? Promise.resolve(new Response("", { status: 403 }))
        : Promise.reject(new TypeError("connection refused"));
    const client = new RegistryClient("r.example", { fetch, insecure: true, timeouts: { maxRetries: 0 } });
    await assert.rejects(client.repository("app").getManifest("1"), { code: "DENIED", status: 403 });
  }
});

Deno.test("time limits and numbers of retries that are not numbers are refused, and no request is repeated forever", async () => {
  for (const timeouts of [{ maxRetries: NaN }, { maxRetries: -1 }, { retryDelay: NaN }, { stallTimeout: "1s" }]) {
    assert.throws(() => scripted(manifestAnswer, timeouts as RegistryClientOptions["timeouts"]), RangeError);
  }
  const { repository, requests } = scripted((_, count) =>
    count < 9 ? new Response("", { status: 503 }) : manifestAnswer()
  );
  await assert.rejects(repository.getManifest("1", { maxRetries: NaN }), {
    name: "RangeError",
    message: "Cannot use maxRetries NaN: it must be a number of at least 0",
  });
  assert.equal(requests.length, 0);
});

Deno.test("the client waits for a registry that is down for a while, not for one that cannot be reached", async () => {
  const rows: [message: string, pings: number][] = [
    ["tcp connect error: Connection refused (os error 111)", 4],
    ["connection closed before message completed", 4],
    ["invalid peer certificate: UnknownIssuer", 1],
    ["dns error: failed to lookup address information: Name or service not known", 1],
  ];
  for (const [message, expected] of rows) {
    for (const [away, code] of [[expected - 1, undefined], [expected, "NETWORK"]] as const) {
      let pings = 0;
      const fetch = (request: Request): Promise<Response> => {
        if (request.url.endsWith("/v2/") && ++pings <= away) return Promise.reject(new TypeError(message));
        return Promise.resolve(request.url.endsWith("/v2/") ? new Response("") : manifestAnswer());
      };
      const delays: number[] = [];
      const client = new RegistryClient("r.example", {
        fetch,
        timeouts: { retryDelay: 1 },
        onRetry: ({ delay }) => void delays.push(Math.floor(delay)),
      });
      const reading = client.repository("app").getManifest("1");
      if (code) await assert.rejects(reading, { code });
      else await reading;
      assert.equal(pings, expected, message);
      assert.deepEqual(delays, [1, 2, 4].slice(0, expected - 1));
    }
  }
});

Deno.test("a 429 that does not end is an error with a code of its own", async () => {
  const { repository } = scripted(() => new Response("", { status: 429, headers: { "retry-after": "0" } }));
  await assert.rejects(repository.getManifest("1"), { code: "TOO_MANY_REQUESTS", status: 429 });
});

Deno.test("redirects of reads are followed, up to a limit, never to less security", async () => {
  const to = (location: string) => new Response("", { status: 307, headers: { location } });
  const followed = scripted((request) =>
    request.url.includes("other") ? manifestAnswer() : to("https://other.example/x")
  );
  assert.deepEqual((await followed.repository.getManifest("1")).bytes, MANIFEST);
  const loop = scripted(() => to("/v2/app/manifests/1"));
  await assert.rejects(loop.repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /more than 10 redirects/ });
  const downgrade = scripted(() => to("http://r.example/x"));
  await assert.rejects(downgrade.repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /from https/ });
  const script = scripted(() => to("file:///etc/passwd"));
  await assert.rejects(script.repository.getManifest("1"), { code: "REGISTRY_ERROR" });
});

/** The response that a browser returns for a redirect in manual mode: it reveals nothing. */
function unseenRedirect(): Response {
  return Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
}

Deno.test("hidden redirects of reads are followed by the browser, never to less security", async () => {
  const landing = (url: string) => (request: Request) =>
    request.redirect === "manual" ? unseenRedirect() : Object.defineProperty(manifestAnswer(), "url", { value: url });
  const followed = scripted(landing("https://other.example/x"));
  assert.deepEqual((await followed.repository.getManifest("1")).bytes, MANIFEST);
  assert.deepEqual(followed.requests.map(({ redirect }) => redirect), ["manual", "follow"]);
  const downgrade = scripted(landing("http://r.example/x"));
  await assert.rejects(downgrade.repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /from https/ });
  const put = scripted(unseenRedirect);
  await assert.rejects(put.repository.putManifest("1", MANIFEST), {
    code: "REGISTRY_ERROR",
    message: /do not reveal where/,
  });
  // The target of a redirect from a foreign layer's URL must be known before it is followed.
  const foreign = scripted((request) =>
    request.url.startsWith("https://r.example/")
      ? new Response("", { status: 404 })
      : landing("http://10.0.0.1/x")(request)
  );
  const layer = { mediaType: MEDIA_TYPES.ociLayerGzip, digest: digestOf(MANIFEST), size: 1 };
  const urls = ["https://elsewhere.example/layer"];
  await assert.rejects(foreign.repository.getBlob({ ...layer, urls }), {
    code: "REGISTRY_ERROR",
    message: /do not reveal where/,
  });
  assert.ok(foreign.requests.every(({ redirect }) => redirect === "manual"));
});

Deno.test("manifests with wrong digests are rejected", async () => {
  const digest = `sha256:${"0".repeat(64)}`;
  await assert.rejects(scripted(manifestAnswer).repository.getManifest(digest), { code: "DIGEST_MISMATCH" });
  const lying = scripted(() => new Response(MANIFEST, { headers: { "docker-content-digest": digest } }));
  await assert.rejects(lying.repository.getManifest("1"), { code: "DIGEST_MISMATCH" });
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65536)) });
  await assert.rejects(scripted(() => new Response(endless)).repository.getManifest("1"), { code: "LIMIT_EXCEEDED" });
  const claimed = new Response("x", { headers: { "content-length": "99999999" } });
  await assert.rejects(scripted(() => claimed).repository.getManifest("1"), { code: "LIMIT_EXCEEDED" });
});

Deno.test("if the response to HEAD has no digest, the manifest is read", async () => {
  const { repository, requests } = scripted((request) =>
    request.method === "HEAD" ? new Response(null) : manifestAnswer()
  );
  assert.equal((await repository.headManifest("1"))?.size, MANIFEST.length);
  assert.equal(requests.length, 2);
});

Deno.test("after a HEAD that is rejected, or finds nothing, a GET decides", async () => {
  for (const status of [400, 403, 404, 405, 406, 501]) {
    const { repository } = scripted((request) =>
      request.method === "HEAD" ? new Response(null, { status }) : manifestAnswer()
    );
    assert.equal((await repository.headManifest("1"))?.digest, digestOf(MANIFEST), `${status}`);
    const missing = scripted((request) => new Response(null, { status: request.method === "HEAD" ? status : 404 }));
    assert.equal(await missing.repository.headManifest("1"), undefined);
    const refused = scripted((request) =>
      request.method === "HEAD" ? new Response(null, { status }) : new Response("not for you", { status: 403 })
    );
    await assert.rejects(refused.repository.headManifest("1"), { code: "DENIED", message: /not for you/ });
    const blob = scripted((request) =>
      request.method === "HEAD"
        ? new Response(null, { status })
        : new Response("blob", { headers: { "content-length": "4" } })
    );
    assert.equal(await blob.repository.headBlob(DIGEST, { actions: "pull" }), 4);
    assert.equal(await missing.repository.headBlob(DIGEST, { actions: "pull" }), undefined);
  }
});

Deno.test("before an upload, no GET follows a HEAD that does not find a blob", async () => {
  const { repository, requests } = scripted(() => new Response(null, { status: 404 }));
  assert.equal(await repository.headBlob(DIGEST), undefined);
  assert.deepEqual(requests.map(({ method }) => method), ["HEAD"]);
});

Deno.test("errors contain the registry's text on one line", async () => {
  const rows: [string, string, RegExp][] = [
    [
      '{"errors":[{"code":"DENIED","message":"no\\u001b[31m\\n","detail":{"x":1}},{"code":"B"}]}',
      "application/json",
      /403: DENIED: no \[31m: \{"x":1\}; B; no credentials were used for r.example/,
    ],
    ["<html><title>Bad\nday</title></html>", "text/html", /403: UNKNOWN: Bad day; no credentials/],
    ["", "", /answered 403; no credentials/],
    ['{"details":"slow down"}', "application/json", /slow down/],
  ];
  for (const [body, type, message] of rows) {
    const { repository } = scripted(() => new Response(body, { status: 403, headers: { "content-type": type } }));
    await assert.rejects(repository.getManifest("1"), { code: "DENIED", message });
  }
});

Deno.test("tags are read page by page, without cycles and without other hosts", async () => {
  const page = (tags: unknown, link?: string) =>
    new Response(JSON.stringify({ tags }), link ? { headers: { link } } : undefined);
  const pages: Answer = (request) => {
    const { search } = new URL(request.url);
    if (search.includes("last=b")) return page(["c", "b"], '</v2/app/tags/list?last=c>; rel="next"');
    if (search.includes("last=c")) return page(null, "<https://evil.example/v2/app/tags/list?last=b>");
    return page(["a", "", 5, "b"], '<?last=b>; rel="next"');
  };
  const { repository, requests } = scripted(pages);
  assert.deepEqual(await Array.fromAsync(repository.listTags()), ["a", "b", "c"]);
  assert.ok(requests.every(({ url }) => new URL(url).host === "r.example"));
});

Deno.test("a registry that speaks plain HTTP is used only if that is allowed", async () => {
  await using registry = serve(() => new Response(""));
  const strict = new RegistryClient(registry.host).repository("app");
  await assert.rejects(strict.headManifest("1"), { code: "NETWORK", message: /plain HTTP/ });
  // The server answers every request with 200 and no digest, so the manifest is read, and is invalid.
  assert.equal((await clientOf(registry.host).repository("app").getManifest("1")).bytes.length, 0);
});

/** A registry over plain HTTP whose https answers when `answer` resolves. */
function slowTls(answer: Promise<Response>, options: RegistryClientOptions) {
  const schemes: string[] = [];
  const fetch: Fetch = async ({ url, signal }) => {
    const { protocol, pathname } = new URL(url);
    if (pathname !== "/v2/") {
      schemes.push(protocol);
      return new Response(null, { status: 404 });
    }
    if (protocol === "http:") return new Response("");
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason), { once: true })
    );
    return await Promise.race([answer, aborted]);
  };
  const client = new RegistryClient("r.example", { fetch, insecure: true, ...options });
  return { repository: client.repository("app"), schemes };
}

const never = new Promise<Response>(() => {});

Deno.test("a registry that does not answer a TLS hello is used over plain HTTP, and remembered", async () => {
  const plainHosts = new Set<string>();
  const first = slowTls(never, { timeouts: { probeTimeout: 1 }, plainHosts });
  assert.equal(await first.repository.headBlob(DIGEST), undefined);
  assert.deepEqual(first.schemes, ["http:"]);
  assert.deepEqual([...plainHosts], ["r.example"]);
  // Another client does not wait.
  const second = slowTls(never, { timeouts: { probeTimeout: 3_600_000 }, plainHosts });
  assert.equal(await second.repository.headBlob(DIGEST), undefined);
  assert.deepEqual(second.schemes, ["http:"]);
});

Deno.test("https is used if it answers in time, however fast plain HTTP is", async () => {
  const later = runPending().then(() => new Response(""));
  const { repository, schemes } = slowTls(later, { timeouts: { probeTimeout: 3_600_000 } });
  assert.equal(await repository.headBlob(DIGEST), undefined);
  assert.deepEqual(schemes, ["https:"]);
});

Deno.test("the client waits for https if plain HTTP answers with an error", async () => {
  const later = Promise.withResolvers<Response>();
  const schemes: string[] = [];
  const fetch: Fetch = async ({ url }) => {
    const { protocol, pathname } = new URL(url);
    if (pathname === "/v2/") {
      if (protocol === "https:") return await later.promise;
      runPending().then(() => later.resolve(new Response("")));
      return new Response("", { status: 400 });
    }
    schemes.push(protocol);
    return new Response(null, { status: 404 });
  };
  const client = new RegistryClient("r.example", { fetch, insecure: true, timeouts: { probeTimeout: 1 } });
  assert.equal(await client.repository("app").headBlob(DIGEST), undefined);
  assert.deepEqual(schemes, ["https:"]);
});

/** Sends a request to a registry on the loopback interface, and returns the URLs of the requests. */
async function askLocal(answer: (url: URL) => Response | Promise<Response>): Promise<string[]> {
  const urls: string[] = [];
  const fetch: Fetch = async ({ url }) => {
    urls.push(url);
    return new URL(url).pathname === "/v2/" ? await answer(new URL(url)) : new Response(null, { status: 404 });
  };
  const client = new RegistryClient("localhost:5000", {
    fetch,
    insecure: true,
    timeouts: { retryDelay: 0, probeTimeout: 1 },
  });
  assert.equal(await client.repository("app").headBlob(DIGEST), undefined);
  return urls;
}

Deno.test("a plain HTTP registry on the loopback interface is not asked over https", async () => {
  const urls = await askLocal(() => new Response(""));
  assert.deepEqual(urls, ["http://localhost:5000/v2/", `http://localhost:5000/v2/app/blobs/${DIGEST}`]);
});

/** How servers for https answer a plain request. */
const TLS_SERVERS: Record<string, () => Response | Promise<Response>> = {
  "an error": () => new Response("Client sent an HTTP request to an HTTPS server.", { status: 400 }),
  "a redirect": () => new Response(null, { status: 301, headers: { location: "https://localhost:5000/v2/" } }),
  "a closed connection": () => Promise.reject(new TypeError("connection closed")),
  "nothing": () => never,
};
for (const [what, answer] of Object.entries(TLS_SERVERS)) {
  Deno.test(`a registry for https on the loopback interface is found if it answers plain HTTP with ${what}`, async () => {
    const urls = await askLocal(({ protocol }) => protocol === "https:" ? new Response("") : answer());
    assert.equal(urls[0], "http://localhost:5000/v2/");
    assert.equal(urls.at(-1), `https://localhost:5000/v2/app/blobs/${DIGEST}`);
  });
}

Deno.test("the error for a registry that cannot be reached names it", async () => {
  // A port without a listener, and which `fetch` does not refuse.
  const host = "127.0.0.1:2";
  for (const insecure of [true, false]) {
    const repository = new RegistryClient(host, { insecure, timeouts: { retryDelay: 0 } }).repository("app");
    await assert.rejects(repository.getManifest("1"), { code: "NETWORK", message: new RegExp(host) });
  }
});

Deno.test("an aborted request rejects with the reason", async () => {
  const arrived = Promise.withResolvers<void>();
  await using registry = serve(async (request) => {
    if (!request.url.endsWith("/v2/")) {
      arrived.resolve();
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    }
    return new Response("");
  });
  const abort = new AbortController();
  const reading = clientOf(registry.host).repository("app").getManifest("1", { signal: abort.signal });
  const reason = new Error("enough");
  arrived.promise.then(() => abort.abort(reason));
  await assert.rejects(reading, (error) => error === reason);
});

Deno.test("the number of concurrent requests to one registry is limited", async () => {
  let waiting = 0;
  let most = 0;
  const fetch = async (): Promise<Response> => {
    most = Math.max(most, ++waiting);
    await Promise.resolve();
    waiting--;
    return new Response(null, { status: 404 });
  };
  const repository = new RegistryClient("r.example", {
    fetch: (r) => r.url.endsWith("/v2/") ? Promise.resolve(new Response("")) : fetch(),
  }).repository("app");
  await Promise.all(Array.from({ length: 200 }, (_, i) => repository.headManifest(`${i}`)));
  assert.equal(most, 32);
});

Deno.test("an abort ends a pause that a server asked for", async () => {
  const { repository, requests } = scripted(() =>
    new Response("", { status: 503, headers: { "retry-after": "31536000" } })
  );
  const abort = new AbortController();
  const reading = repository.getManifest("1", { signal: abort.signal });
  while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve));
  const reason = new Error("enough");
  abort.abort(reason);
  await assert.rejects(reading, (error) => error === reason);
});

Deno.test("an answer that comes after the abort, from a fetch that ignores signals, is cancelled", async () => {
  const late = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  const fetch = ({ url }: Request): Promise<Response> => {
    if (url.endsWith("/v2/")) return Promise.resolve(new Response(""));
    asked.resolve();
    return late.promise;
  };
  const stop = new AbortController();
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  const reading = assert.rejects(repository.getManifest("1", { signal: stop.signal }), /^Error: stop$/);
  await asked.promise;
  stop.abort(new Error("stop"));
  await reading;
  const cancelled = Promise.withResolvers<void>();
  late.resolve(new Response(new ReadableStream({ cancel: () => cancelled.resolve() })));
  await cancelled.promise;
});

Deno.test("a manifest that a HEAD does not find is read, unless the caller believes the HEAD", async () => {
  for (const [headOnly, expected] of [[false, ["HEAD", "GET"]], [true, ["HEAD"]]] as const) {
    const { repository, requests } = scripted(() => new Response(null, { status: 404 }));
    assert.equal(await repository.headManifest("1", { headOnly }), undefined);
    assert.deepEqual(requests.map(({ method }) => method), expected);
  }
});

Deno.test("a tag is replaced to delete it only if the registry cannot delete tags", async () => {
  for (const status of [401, 403, 500]) {
    const { repository, requests } = scripted(() => new Response(null, { status }));
    await assert.rejects(repository.deleteTag("1", { replace: true, maxRetries: 0 }), { status });
    assert.ok(requests.every(({ method }) => method === "DELETE"));
  }
});

Deno.test("at most sixteen URLs of a foreign layer are tried", async () => {
  const { repository, requests } = scripted(() => new Response(null, { status: 404 }), { maxRetries: 0 });
  const urls = Array.from({ length: 100 }, (_, i) => `https://layers.example/${i}`);
  const layer = { mediaType: "m", digest: DIGEST, size: 1, urls };
  await assert.rejects(repository.getBlob(layer), { code: "NOT_FOUND" });
  assert.equal(requests.filter(({ url }) => url.startsWith("https://layers.example/")).length, 16);
});

Deno.test("a registry that reports another digest for a tag has stored another manifest", async () => {
  const headers = { "docker-content-digest": DIGEST };
  const { repository } = scripted(() => new Response(null, { status: 201, headers }));
  await assert.rejects(repository.putManifest("1", MANIFEST), { code: "DIGEST_MISMATCH" });
  // Under a digest, the registry has verified it; some report another algorithm's.
  assert.equal(await repository.putManifest(digestOf(MANIFEST), MANIFEST), digestOf(MANIFEST));
});

Deno.test("a manifest is not deleted if it cannot be read whether it is a referrer", async () => {
  const cutOff = () => new ReadableStream({ pull: () => Promise.reject(new TypeError("the connection ended")) });
  const { repository, requests } = scripted(
    ({ method }) => method === "GET" ? new Response(cutOff()) : new Response(null, { status: 202 }),
    { maxRetries: 0 },
  );
  await assert.rejects(repository.deleteManifest(DIGEST), { code: "NETWORK" });
  assert.deepEqual(requests.map(({ method }) => method), ["GET"]);
});
