import assert from "node:assert/strict";
import { RegistryClient } from "../../src/registry/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { clientOf, encode } from "../support/images.ts";
import { serve } from "../support/registries.ts";

type Answer = (request: Request, count: number) => Response;

/** A client in front of scripted answers; the ping succeeds. */
function scripted(answer: Answer) {
  const requests: Request[] = [];
  const fetch = (request: Request): Promise<Response> => {
    if (request.url.endsWith("/v2/")) return Promise.resolve(new Response(""));
    requests.push(request);
    return Promise.resolve(answer(request, requests.length));
  };
  return { repository: new RegistryClient("r.example", { fetch }).repository("app"), requests };
}

const MANIFEST = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
const manifestAnswer = () => new Response(MANIFEST, { headers: { "content-type": MEDIA_TYPES.ociIndex } });

Deno.test("passing failures are tried again, as the server asks", async () => {
  const { repository, requests } = scripted((_, count) =>
    count < 3
      ? new Response("", { status: count === 1 ? 503 : 429, headers: { "retry-after": "0" } })
      : manifestAnswer()
  );
  assert.deepEqual((await repository.getManifest("1")).bytes, MANIFEST);
  assert.equal(requests.length, 3);
});

Deno.test("a 429 that does not end is an error with a code of its own", async () => {
  const { repository } = scripted(() => new Response("", { status: 429, headers: { "retry-after": "0" } }));
  await assert.rejects(repository.getManifest("1"), { code: "TOO_MANY_REQUESTS", status: 429 });
});

Deno.test("redirects are followed for reading, a bounded number of times, never to less security", async () => {
  const to = (location: string) => new Response("", { status: 307, headers: { location } });
  const followed = scripted((request) =>
    request.url.includes("other") ? manifestAnswer() : to("https://other.example/x")
  );
  assert.deepEqual((await followed.repository.getManifest("1")).bytes, MANIFEST);
  const loop = scripted(() => to("/v2/app/manifests/1"));
  await assert.rejects(loop.repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /redirects too often/ });
  const downgrade = scripted(() => to("http://r.example/x"));
  await assert.rejects(downgrade.repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /from https/ });
  const script = scripted(() => to("file:///etc/passwd"));
  await assert.rejects(script.repository.getManifest("1"), { code: "REGISTRY_ERROR" });
  const put = scripted(() => to("https://other.example/x"));
  await assert.rejects(put.repository.putManifest("1", MANIFEST), { code: "REGISTRY_ERROR", message: /not followed/ });
});

/** A browser's answer to who wants to follow redirects by hand: it shows nothing. */
function unseenRedirect(): Response {
  return Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
}

Deno.test("redirects that are not shown are left to the browser for reading, never to less security", async () => {
  const landing = (url: string) => (request: Request) =>
    request.redirect === "manual" ? unseenRedirect() : Object.defineProperty(manifestAnswer(), "url", { value: url });
  const followed = scripted(landing("https://other.example/x"));
  assert.deepEqual((await followed.repository.getManifest("1")).bytes, MANIFEST);
  assert.deepEqual(followed.requests.map(({ redirect }) => redirect), ["manual", "follow"]);
  const downgrade = scripted(landing("http://r.example/x"));
  await assert.rejects(downgrade.repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /from https/ });
  const put = scripted(unseenRedirect);
  await assert.rejects(put.repository.putManifest("1", MANIFEST), { code: "REGISTRY_ERROR", message: /unseen/ });
  // Where a manifest's own URLs lead must be known beforehand.
  const foreign = scripted((request) =>
    request.url.startsWith("https://r.example/")
      ? new Response("", { status: 404 })
      : landing("http://10.0.0.1/x")(request)
  );
  const layer = { mediaType: MEDIA_TYPES.ociLayerGzip, digest: digestOf(MANIFEST), size: 1 };
  const urls = ["https://elsewhere.example/layer"];
  await assert.rejects(foreign.repository.getBlob({ ...layer, urls }), { code: "REGISTRY_ERROR", message: /unseen/ });
  assert.ok(foreign.requests.every(({ redirect }) => redirect === "manual"));
});

Deno.test("manifests that lie are refused", async () => {
  const digest = `sha256:${"0".repeat(64)}`;
  await assert.rejects(scripted(manifestAnswer).repository.getManifest(digest), { code: "DIGEST_MISMATCH" });
  const lying = scripted(() => new Response(MANIFEST, { headers: { "docker-content-digest": digest } }));
  await assert.rejects(lying.repository.getManifest("1"), { code: "DIGEST_MISMATCH" });
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65536)) });
  await assert.rejects(scripted(() => new Response(endless)).repository.getManifest("1"), { code: "LIMIT_EXCEEDED" });
  const claimed = new Response("x", { headers: { "content-length": "99999999" } });
  await assert.rejects(scripted(() => claimed).repository.getManifest("1"), { code: "LIMIT_EXCEEDED" });
});

Deno.test("a HEAD without a digest is answered from the manifest itself", async () => {
  const { repository, requests } = scripted((request) =>
    request.method === "HEAD" ? new Response(null) : manifestAnswer()
  );
  assert.equal((await repository.headManifest("1"))?.size, MANIFEST.length);
  assert.equal(requests.length, 2);
});

Deno.test("errors say what the registry said, on one line", async () => {
  const rows: [string, string, RegExp][] = [
    [
      '{"errors":[{"code":"DENIED","message":"no\\u001b[31m\\n","detail":{"x":1}},{"code":"B"}]}',
      "application/json",
      /403: DENIED: no \[31m: \{"x":1\}; B$/,
    ],
    ["<html><title>Bad\nday</title></html>", "text/html", /403: UNKNOWN: Bad day$/],
    ["", "", /answered 403$/],
    ['{"details":"slow down"}', "application/json", /slow down/],
  ];
  for (const [body, type, message] of rows) {
    const { repository } = scripted(() => new Response(body, { status: 403, headers: { "content-type": type } }));
    await assert.rejects(repository.getManifest("1"), { code: "DENIED", message });
  }
});

Deno.test("tags are collected over pages, without circles and strangers", async () => {
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

Deno.test("a registry that speaks plain HTTP is used only where that is allowed", async () => {
  await using registry = serve(() => new Response(""));
  const strict = new RegistryClient(registry.host).repository("app");
  await assert.rejects(strict.headManifest("1"), { code: "NETWORK", message: /plain HTTP/ });
  // The server answers everything with 200 and no digest, so the manifest is read, and is none.
  assert.equal((await clientOf(registry.host).repository("app").getManifest("1")).bytes.length, 0);
});

Deno.test("a registry that is not there is an error that names it", async () => {
  // Nothing listens on the port of tcpmux.
  const host = "127.0.0.1:1";
  for (const insecure of [true, false]) {
    const repository = new RegistryClient(host, { insecure }).repository("app");
    await assert.rejects(repository.getManifest("1"), { code: "NETWORK", message: new RegExp(host) });
  }
});

Deno.test("an aborted request rejects with the reason", async () => {
  await using registry = serve(async (request) => {
    if (!request.url.endsWith("/v2/")) {
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    }
    return new Response("");
  });
  const abort = new AbortController();
  const reading = clientOf(registry.host).repository("app").getManifest("1", { signal: abort.signal });
  const reason = new Error("enough");
  setTimeout(() => abort.abort(reason), 50);
  await assert.rejects(reading, (error) => error === reason);
});

Deno.test("so many requests wait for one registry at once, and no more", async () => {
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

Deno.test("a wait that a server asks for ends with the signal", async () => {
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
