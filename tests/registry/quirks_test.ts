/** Known quirks of registries, each simulated by a server. `docs/registries.md` lists them. */
import assert from "node:assert/strict";
import { toArrayBuffer } from "@std/streams";
import { gzipSync } from "node:zlib";
import { parseImageName } from "../../mod.ts";
import { toStream } from "../../src/internal/room.ts";
import { type Fetch, RegistryClient, type RegistryClientOptions } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Credentials, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { describe, encode } from "../support/images.ts";
import { addSignatureExtension } from "../support/signature_extension.ts";

const INDEX = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
const OTHER = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], annotations: { a: "b" } });
const LARGE = new Uint8Array(2_500_000).map((_, i) => i * 3 + (i >> 9));
const BLOB = describe("m", LARGE);
const EMPTY = describe("m", new Uint8Array());
const PASSWORD: Credentials = { username: "me", password: "pw" };
const reopen = (offset: number) => Promise.resolve(toStream(LARGE.slice(offset)));

type Tamper = (request: Request, forward: Fetch) => Response | Promise<Response>;

/** A registry with a blob and an index tagged `1`; `tamper` may change its responses, and the requests are recorded. */
async function simulate(tamper: Tamper, options: RegistryClientOptions & { host?: string } = {}) {
  const { host = "r.example", ...rest } = options;
  const registry = createRegistry({ storage: createMemoryStorage() });
  const direct = new RegistryClient(host, { fetch: registry.fetch }).repository("app");
  await direct.putManifest("1", INDEX);
  const requests: Request[] = [];
  const fetch: Fetch = async (request) => {
    requests.push(request);
    return await tamper(request, registry.fetch);
  };
  const client = new RegistryClient(host, { fetch, timeouts: { retryDelay: 1 }, ...rest });
  const count = (method: string) => requests.filter((request) => request.method === method).length;
  return { client, repository: client.repository("app"), direct, requests, count, fetch };
}

const path = ({ url }: Request) => new URL(url).pathname;
const isUpload = (request: Request) => path(request).includes("/blobs/uploads/");
const errors = (status: number, code: string, message = "", headers = {}) =>
  Response.json({ errors: [{ code, message }] }, { status, headers });
const unauthorized = (challenge: string) =>
  new Response("", { status: 401, headers: { "www-authenticate": challenge } });
const asItIs: Tamper = (request, forward) => forward(request);

/** Answers token requests for one of `granted` only; all other requests need such a token. */
function tokens(allows: (scopes: string[], request: Request) => boolean, then: Tamper = asItIs): Tamper {
  return (request, forward) => {
    if (path(request) === "/token") {
      const scopes = new URL(request.url).searchParams.getAll("scope");
      return allows(scopes, request) ? Response.json({ token: "t" }) : errors(403, "DENIED");
    }
    if (request.headers.get("authorization") !== "Bearer t") return unauthorized('Bearer realm="/token",service="s"');
    return then(request, forward);
  };
}

const quirks: [registry: string, quirk: string, run: () => Promise<void>][] = [
  ["Docker Hub", "has another address than its name", async () => {
    const { repository, requests } = await simulate(asItIs, { host: "docker.io" });
    await repository.headManifest("1");
    assert.ok(requests.every(({ url }) => new URL(url).host === "registry-1.docker.io"));
  }],
  ["Docker Hub", "counts a manifest's GET, but not its HEAD", async () => {
    const { repository, requests } = await simulate(asItIs);
    await repository.headManifest("1");
    assert.deepEqual(requests.map((request) => `${request.method} ${path(request)}`), [
      "GET /v2/",
      "HEAD /v2/app/manifests/1",
    ]);
  }],
  ["Docker Hub", "answers 429 above its rate limit", async () => {
    const { repository } = await simulate((request, forward) =>
      path(request) === "/v2/"
        ? forward(request)
        : errors(429, "TOOMANYREQUESTS", "You have reached your limit", { "retry-after": "0" })
    );
    await assert.rejects(repository.getManifest("1"), { code: "TOO_MANY_REQUESTS", message: /reached your limit/ });
  }],
  ["Docker Hub", "refuses to mount blobs", async () => {
    for (const status of [401, 403, 404, 405, 500]) {
      const { repository } = await simulate((request, forward) =>
        request.url.includes("mount=") ? errors(status, "UNAUTHORIZED") : forward(request)
      );
      assert.deepEqual(await repository.mountBlob(BLOB.digest, "other"), { mounted: false });
    }
  }],
  ["Docker Hub", "has no catalog", async () => {
    const { client } = await simulate((request, forward) =>
      path(request) === "/v2/_catalog" ? errors(401, "UNAUTHORIZED") : forward(request)
    );
    await assert.rejects(Array.fromAsync(client.listRepositories()), { code: "UNAUTHORIZED" });
  }],
  ["Docker Hub", "issues a token without the right to push", async () => {
    const refuse: Tamper = (request, forward) =>
      request.method === "POST"
        ? unauthorized('Bearer realm="/token",error="insufficient_scope",scope="repository:app:pull,push"')
        : forward(request);
    const { repository, requests } = await simulate(tokens(() => true, refuse), { credentials: PASSWORD });
    await assert.rejects(repository.putBlob(BLOB, toStream(LARGE)), {
      code: "UNAUTHORIZED",
      message: /insufficient_scope/,
    });
    assert.equal(requests.filter(({ method }) => method === "POST").length, 2);
  }],
  ["Amazon ECR", "treats a chunk as the whole blob and answers 201", async () => {
    const { repository, direct } = await simulate((request, forward) => {
      const whole = request.method !== "PATCH" || !request.headers.has("content-range");
      return whole ? forward(request) : new Response("", { status: 201 });
    });
    await repository.putBlob(BLOB, toStream(LARGE), { chunkSize: 1_000_000 });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["Amazon ECR", "fails on an empty blob that is not sent in one request", async () => {
    const { repository, direct, count } = await simulate((request, forward) =>
      request.method === "PATCH" ? errors(500, "UNKNOWN") : forward(request)
    );
    await repository.putBlob(EMPTY, toStream(new Uint8Array()));
    assert.equal(await direct.headBlob(EMPTY.digest), 0);
    assert.equal(count("PATCH"), 0);
  }],
  ["Amazon ECR", "refuses to list more than 1000 tags at once", async () => {
    const { repository } = await simulate((request, forward) =>
      Number(new URL(request.url).searchParams.get("n")) > 1000 ? errors(400, "UNSUPPORTED") : forward(request)
    );
    assert.deepEqual(await Array.fromAsync(repository.listTags()), ["1"]);
  }],
  ["Amazon ECR", "answers that the JSON is invalid if it does not know the type", async () => {
    const { repository } = await simulate((request, forward) =>
      request.method === "PUT" ? errors(405, "UNSUPPORTED", "Invalid parameter: Invalid JSON syntax") : forward(request)
    );
    await assert.rejects(repository.putManifest("2", INDEX), { code: "MANIFEST_REJECTED" });
  }],
  ["Amazon ECR", "refuses to overwrite an immutable tag", async () => {
    const { repository } = await simulate((request, forward) =>
      request.method === "PUT" ? errors(400, "TAG_INVALID", "the image tag '1' already exists") : forward(request)
    );
    assert.deepEqual(await repository.writeManifest("1", INDEX), { digest: digestOf(INDEX), unchanged: true });
  }],
  ["Amazon ECR", "does not create repositories", async () => {
    const { repository } = await simulate((request, forward) =>
      request.method === "POST"
        ? errors(404, "NAME_UNKNOWN", "The repository with name 'app' does not exist")
        : forward(request)
    );
    await assert.rejects(repository.putBlob(BLOB, toStream(LARGE)), { code: "NOT_FOUND", message: /does not exist/ });
  }],
  ["Google", "answers 401 without a challenge", async () => {
    let refused = 0;
    const { repository } = await simulate(
      tokens(
        () => true,
        (request, forward) =>
          request.method === "HEAD" && refused++ === 0 ? new Response(null, { status: 401 }) : forward(request),
      ),
    );
    assert.ok(await repository.headManifest("1"));
  }],
  ["Google", "gives a new location for every step of an upload and answers 204", async () => {
    let step = 0;
    const { repository, direct } = await simulate(async (request, forward) => {
      if (!isUpload(request)) return await forward(request);
      const { search } = new URL(request.url);
      if (request.method !== "POST" && !search.startsWith(`?step=${step}`)) return errors(404, "BLOB_UPLOAD_UNKNOWN");
      const response = await forward(request);
      const headers = new Headers(response.headers);
      if (request.method !== "PUT") headers.set("location", `${headers.get("location")}?step=${++step}`);
      return new Response(null, { status: request.method === "PATCH" ? 204 : response.status, headers });
    });
    for (const chunkSize of [undefined, 1_000_000]) await repository.putBlob(BLOB, toStream(LARGE), { chunkSize });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["Google", "has passwords of many lines, with colons", async () => {
    const credentials = { username: "_json_key", password: '{\n  "a": "b:c",\n  "ü": 1\n}' };
    const { repository, requests } = await simulate(
      (request, forward) => request.headers.has("authorization") ? forward(request) : unauthorized("Basic"),
      { credentials },
    );
    assert.ok(await repository.headManifest("1"));
    const [, sent] = requests.at(-1)!.headers.get("authorization")!.split(" ");
    const text = new TextDecoder().decode(Uint8Array.fromBase64(sent!));
    assert.equal(text, `${credentials.username}:${credentials.password}`);
  }],
  ["Quay", "refuses a mount without a source repository", async () => {
    const { repository } = await simulate((request, forward) => {
      const { searchParams } = new URL(request.url);
      return searchParams.has("mount") && !searchParams.has("from") ? errors(400, "INVALID") : forward(request);
    });
    assert.deepEqual(await repository.mountBlob(BLOB.digest, undefined), { mounted: false });
  }],
  ["Quay", "does not know the scope `delete`", async () => {
    const { repository } = await simulate(tokens((scopes) => !scopes.some((scope) => scope.includes("delete"))));
    assert.equal(await repository.deleteTag("1"), true);
  }],
  ["Quay", "has the referrers API depending on its version", async () => {
    for (const status of [400, 404, 406]) {
      const { repository } = await simulate((request, forward) =>
        request.url.includes("/referrers/") ? new Response("", { status }) : forward(request)
      );
      assert.deepEqual(await Array.fromAsync(repository.listReferrers(digestOf(INDEX))), []);
    }
  }],
  ["Quay", "sends a challenge without a scope", async () => {
    const { repository, requests } = await simulate(tokens((scopes) => scopes.includes("repository:app:pull")));
    assert.ok(await repository.headManifest("1"));
    assert.ok(requests.some(({ url }) => url.includes("/token")));
  }],
  ["Red Hat", "answers UNKNOWN for missing content", async () => {
    for (const status of [400, 404]) {
      const { repository } = await simulate((request, forward) =>
        request.method === "GET" && request.url.includes("/manifests/")
          ? errors(status, "UNKNOWN", "Not Found")
          : forward(request)
      );
      await assert.rejects(repository.getManifest("2"), { code: "NOT_FOUND" });
    }
  }],
  ["Harbor", "answers UNKNOWN for missing content, in a sentence", async () => {
    const { repository } = await simulate((request, forward) =>
      request.url.includes("/manifests/") ? errors(400, "UNKNOWN", "artifact app:2 not found") : forward(request)
    );
    await assert.rejects(repository.getManifest("2"), { code: "NOT_FOUND" });
  }],
  ["Harbor", "treats a client with a cookie as a browser", async () => {
    const { repository, requests } = await simulate(async (request, forward) => {
      if (request.headers.has("cookie")) return errors(403, "FORBIDDEN", "CSRF token not found in request");
      const response = await forward(request);
      response.headers.append("set-cookie", "sid=1; Path=/");
      return response;
    });
    await repository.putManifest("2", INDEX);
    assert.ok(requests.length > 1);
  }],
  ["Harbor", "issues tokens to GET only", async () => {
    const credentials = { ...PASSWORD, identityToken: "x" };
    const { repository } = await simulate(tokens((_, { method }) => method === "GET"), { credentials });
    assert.ok(await repository.headManifest("1"));
  }],
  ["Harbor", "answers 412 for an immutable tag", async () => {
    const { repository, count } = await simulate((request, forward) =>
      request.method === "PUT" ? errors(412, "PRECONDITION", "tag 1 is immutable") : forward(request)
    );
    const writing = repository.putManifest("1", OTHER, { ifMatch: digestOf(INDEX) });
    await assert.rejects(writing, { code: "DENIED", message: /tag 1 is immutable/ });
    assert.equal(count("PUT"), 1);
  }],
  ["Harbor", "answers 412 for a vulnerable image", async () => {
    const { repository } = await simulate((request, forward) =>
      path(request) === "/v2/" ? forward(request) : errors(412, "PROJECTPOLICYVIOLATION", "5 vulnerabilities")
    );
    await assert.rejects(repository.getManifest("1"), { code: "DENIED", message: /5 vulnerabilities/ });
  }],
  ["Harbor", "reports the length of the compressed manifest", async () => {
    const { repository } = await simulate(async (request, forward) => {
      const response = await forward(request);
      if (request.method === "HEAD") response.headers.set("content-length", "5");
      return response;
    });
    assert.equal((await repository.headManifest("1"))?.digest, digestOf(INDEX));
    assert.deepEqual((await repository.getManifest("1")).bytes, INDEX);
  }],
  ["GitHub", "answers 403 above its rate limit", async () => {
    const headers = { "retry-after": "0" };
    for (const [text, sent] of [["You have exceeded a secondary rate limit.", {}], ["slow down", headers]] as const) {
      let refused = 0;
      const { repository } = await simulate((request, forward) =>
        request.url.includes("/manifests/") && refused++ < 1 ? errors(403, "DENIED", text, sent) : forward(request)
      );
      assert.deepEqual((await repository.getManifest("1")).bytes, INDEX);
    }
    const { repository } = await simulate((request, forward) =>
      request.url.includes("/manifests/") ? errors(403, "DENIED", "slow down", headers) : forward(request)
    );
    await assert.rejects(repository.headManifest("1"), { code: "TOO_MANY_REQUESTS", status: 403 });
  }],
  ["GitHub", "does not assemble chunks", async () => {
    let patches = 0;
    const { repository, direct } = await simulate((request, forward) =>
      request.method === "PATCH" && ++patches > 1 ? errors(416, "BLOB_UPLOAD_INVALID") : forward(request)
    );
    await repository.putBlob(BLOB, toStream(LARGE));
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["GitHub", "answers DENIED for missing packages", async () => {
    const { repository, count } = await simulate((request, forward) =>
      request.method === "POST" ? errors(403, "DENIED", "permission_denied: create_package") : forward(request)
    );
    await assert.rejects(repository.putBlob(BLOB, toStream(LARGE)), { code: "DENIED", message: /create_package/ });
    assert.equal(count("POST"), 1);
  }],
  ["Artifactory", "answers 403 for missing blobs", async () => {
    const { fetch } = await simulate((request, forward) =>
      request.method === "HEAD" ? new Response(null, { status: 403 }) : forward(request)
    );
    await using destination = await parseImageName("docker://r.example/app:1").openDestination({ fetch });
    assert.equal(await destination.findBlob(BLOB), undefined);
  }],
  ["Artifactory", "lists digests as tags", async () => {
    const { repository } = await simulate((request, forward) =>
      path(request).endsWith("/tags/list") ? Response.json({ tags: [BLOB.digest, "1"] }) : forward(request)
    );
    assert.deepEqual(await Array.fromAsync(repository.listTags()), ["1"]);
  }],
  ["Artifactory", "ignores a blob in the request that closes an upload", async () => {
    const { repository, direct } = await simulate(async (request, forward) => {
      const isClosing = request.method === "PUT" && isUpload(request);
      return isClosing && (await request.clone().bytes()).length > 0
        ? errors(404, "NOT_FOUND")
        : await forward(request);
    });
    const small = encode("small");
    await repository.putBlob(describe("m", small), toStream(small));
    assert.equal(await direct.headBlob(digestOf(small)), small.length);
  }],
  ["Artifactory", "answers 406 unless every type is accepted", async () => {
    const types = [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerList];
    const { repository } = await simulate((request, forward) => {
      const accepted = (request.headers.get("accept") ?? "").split(/,\s*/);
      const all = !request.url.includes("/manifests/") || types.every((type) => accepted.includes(type));
      return all ? forward(request) : errors(406, "UNSUPPORTED");
    });
    assert.ok(await repository.headManifest("1"));
    assert.ok(await repository.getManifest("1"));
  }],
  ["Nexus", "lists null among tags, or instead of them", async () => {
    for (const [tags, expected] of [[[null, "1"], ["1"]], [null, []]] as const) {
      const { repository } = await simulate((request, forward) =>
        path(request).endsWith("/tags/list") ? Response.json({ tags }) : forward(request)
      );
      assert.deepEqual(await Array.fromAsync(repository.listTags()), expected);
    }
  }],
  ["Nexus", "links to the next page by its own path behind a proxy", async () => {
    const { repository, requests } = await simulate((request, forward) => {
      const { pathname, search } = new URL(request.url);
      if (!pathname.endsWith("/tags/list")) return forward(request);
      if (search.includes("last=1")) return Response.json({ tags: ["2"] });
      const link = '</repository/docker-hosted/v2/app/tags/list?n=1000&last=1>; rel="next"';
      return Response.json({ tags: ["1"] }, { headers: { link } });
    });
    assert.deepEqual(await Array.fromAsync(repository.listTags()), ["1", "2"]);
    assert.ok(requests.every((request) => path(request).startsWith("/v2/")));
  }],
  ["GitLab", "issues tokens that expire before a long upload ends", async () => {
    const { repository, direct } = await simulate((request, forward) =>
      request.method === "PATCH" && !request.headers.has("content-range") ? unauthorized("Basic") : forward(request)
    );
    await repository.putBlob(BLOB, toStream(LARGE), { reopen });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["Azure", "redirects to a storage that refuses credentials", async () => {
    const { repository } = await simulate((request, forward) => {
      const { host } = new URL(request.url);
      const authorized = request.headers.has("authorization");
      if (host === "storage.example") return authorized ? new Response("", { status: 400 }) : new Response(LARGE);
      if (!authorized) return unauthorized("Basic");
      if (request.method === "GET" && request.url.includes("/blobs/")) {
        return new Response(null, { status: 307, headers: { location: "https://storage.example/x?sig=1" } });
      }
      return forward(request);
    }, { credentials: PASSWORD });
    assert.deepEqual(new Uint8Array(await toArrayBuffer(await repository.getBlob(BLOB))), LARGE);
  }],
  ["Azure", "expects identity tokens in a form", async () => {
    let form = new URLSearchParams();
    const { repository } = await simulate(async (request, forward) => {
      if (path(request) === "/oauth2/token") {
        form = new URLSearchParams(await request.text());
        return Response.json({ access_token: "t" });
      }
      const challenge = 'Bearer realm="https://r.example/oauth2/token",service="r.example"';
      return request.headers.get("authorization") === "Bearer t" ? await forward(request) : unauthorized(challenge);
    }, { credentials: { username: "00000000-0000-0000-0000-000000000000", identityToken: "x" } });
    assert.ok(await repository.headManifest("1"));
    assert.deepEqual(Object.fromEntries(form), {
      grant_type: "refresh_token",
      refresh_token: "x",
      client_id: "multiarch-manifests",
      scope: "repository:app:pull",
      service: "r.example",
    });
  }],
  ["IBM", "expects the scope `delete` by its name", async () => {
    const { repository } = await simulate(tokens((scopes) => !scopes.some((scope) => scope.includes("*"))));
    assert.equal(await repository.deleteTag("1"), true);
  }],
  ["OpenShift", "accepts only configured types", async () => {
    const { repository } = await simulate((request, forward) =>
      request.method === "PUT" ? errors(400, "MANIFEST_INVALID", "manifest V2 schema 2 not allowed") : forward(request)
    );
    await assert.rejects(repository.putManifest("2", INDEX), { code: "MANIFEST_REJECTED" });
  }],
  ["OpenShift", "stores GnuPG signatures itself", async () => {
    const { repository, fetch } = await simulate(asItIs);
    assert.equal(await repository.supportsSignatures(), false);
    const { fetch: extended, signatures } = addSignatureExtension({ fetch });
    const own = new RegistryClient("r.example", { fetch: extended }).repository("app");
    assert.equal(await own.supportsSignatures(), true);
    const digest = digestOf(INDEX), signature = { schemaVersion: 2, name: `${digest}@1`, type: "atomic", content: "" };
    await own.putSignature(digest, signature);
    assert.deepEqual([...signatures.values()], [[signature]]);
    const { signatures: listed } = JSON.parse(new TextDecoder().decode(await own.getSignatureList(digest)));
    assert.deepEqual(listed, [signature]);
  }],
  ["distribution 2", "cannot delete tags", async () => {
    const { repository, direct } = await simulate((request, forward) =>
      request.method === "DELETE" && !request.url.includes("sha256:") ? errors(400, "DIGEST_INVALID") : forward(request)
    );
    await assert.rejects(repository.deleteTag("1"), { code: "REGISTRY_ERROR" });
    assert.equal(await repository.deleteTag("1", { replace: true }), true);
    assert.equal(await direct.headManifest("1"), undefined);
    assert.ok(await direct.headManifest(digestOf(INDEX)));
  }],
  ["distribution 2", "ignores the positions of chunks", async () => {
    const { repository, direct } = await simulate((request, forward) => {
      request.headers.delete("content-range");
      return forward(request);
    });
    await repository.putBlob(BLOB, toStream(LARGE), { chunkSize: 1_000_000 });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["distribution 2", "forgets an upload whose connection broke", async () => {
    let broken = false;
    const { repository, direct } = await simulate(async (request, forward) => {
      if (request.method !== "PATCH" || broken) return await forward(request);
      broken = true;
      await forward(new Request(request.url, { method: "DELETE" }));
      throw new TypeError("connection closed before message completed");
    });
    await repository.putBlob(BLOB, toStream(LARGE), { reopen });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["distribution 2", "answers 500 for a tag that is being written", async () => {
    let failures = 1;
    const { repository } = await simulate((request, forward) =>
      request.url.includes("/manifests/") && failures-- > 0 ? errors(500, "UNKNOWN") : forward(request)
    );
    assert.deepEqual((await repository.getManifest("1")).bytes, INDEX);
  }],
  ["distribution", "ignores conditional requests", async () => {
    const { repository } = await simulate((request, forward) => {
      request.headers.delete("if-match");
      return forward(request);
    });
    await assert.rejects(repository.putManifest("1", INDEX, { ifMatch: BLOB.digest }), { code: "CONFLICT" });
    assert.equal(await repository.putManifest("1", INDEX, { ifMatch: digestOf(INDEX) }), digestOf(INDEX));
  }],
  ["Proxies", "hide https from a registry", async () => {
    const { repository, direct } = await simulate(async (request, forward) => {
      const response = await forward(request);
      const location = response.headers.get("location");
      if (location !== null) response.headers.set("location", new URL(location, "http://r.example:80/").href);
      return response;
    });
    await repository.putBlob(BLOB, toStream(LARGE));
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["Proxies", "send invalid waiting times", async () => {
    for (const value of ["-1", "soon", "2001-01-01", "1e9"]) {
      let refused = 0;
      const { repository } = await simulate((request, forward) =>
        request.url.includes("/manifests/") && refused++ < 1
          ? errors(429, "TOOMANYREQUESTS", "", { "retry-after": value })
          : forward(request)
      );
      assert.deepEqual((await repository.getManifest("1")).bytes, INDEX);
    }
  }],
  ["Proxies", "compress content although it was requested as it is", async () => {
    const { repository } = await simulate(async (request, forward) => {
      const response = await forward(request);
      if (request.method !== "GET" || !request.url.includes("/manifests/")) return response;
      const headers = { "content-encoding": "gzip", "docker-content-digest": digestOf(INDEX) };
      return new Response(new Uint8Array(gzipSync(await response.bytes())), { headers });
    });
    assert.deepEqual((await repository.getManifest("1")).bytes, INDEX);
  }],
  ["Proxies", "answer 201 to a mount that did not happen", async () => {
    for (const headers of [{}, { location: "/" }, { "docker-content-digest": EMPTY.digest }]) {
      const { repository } = await simulate((request, forward) =>
        request.url.includes("mount=") ? new Response("", { status: 201, headers }) : forward(request)
      );
      assert.deepEqual(await repository.mountBlob(BLOB.digest, "other"), { mounted: false });
    }
  }],
  ["Proxies", "limit the size of a request", async () => {
    const { repository, direct } = await simulate(async (request, forward) => {
      const tooLong = request.method === "PATCH" && (await request.clone().bytes()).length > 1_000_000;
      return tooLong ? new Response("", { status: 413 }) : await forward(request);
    });
    await repository.putBlob(BLOB, toStream(LARGE), { reopen });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["Proxies", "require the length of a request", async () => {
    const { repository, direct } = await simulate((request, forward) =>
      request.method === "PATCH" && !request.headers.has("content-range")
        ? new Response("", { status: 411 })
        : forward(request)
    );
    await repository.putBlob(BLOB, toStream(LARGE), { reopen });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
  }],
  ["Proxies", "answer with a sign-in page", async () => {
    const { repository } = await simulate((request, forward) =>
      request.url.includes("/manifests/")
        ? new Response("<html><title>Sign in</title>", { headers: { "content-type": "text/html; charset=utf-8" } })
        : forward(request)
    );
    await assert.rejects(repository.getManifest("1"), { code: "REGISTRY_ERROR", message: /not seem to be a registry/ });
  }],
  ["Proxies", "answer HEAD with 400, 403 or 404 although GET finds the manifest", async () => {
    for (const status of [400, 403, 404]) {
      const { repository } = await simulate((request, forward) =>
        request.method === "HEAD" ? new Response(null, { status }) : forward(request)
      );
      assert.equal((await repository.headManifest("1"))?.digest, digestOf(INDEX));
    }
  }],
  ["Proxies", "redirect writes to another path", async () => {
    const { repository, direct } = await simulate((request, forward) => {
      if (request.method === "GET" || request.method === "HEAD" || request.url.includes("moved")) {
        return forward(request);
      }
      const location = `${request.url}${request.url.includes("?") ? "&" : "?"}moved=1`;
      return new Response(null, { status: 307, headers: { location } });
    });
    await repository.putBlob(BLOB, toStream(LARGE), { reopen });
    assert.equal(await direct.headBlob(BLOB.digest), LARGE.length);
    assert.equal(await repository.putManifest("2", INDEX), digestOf(INDEX));
  }],
  ["Storages", "ask for credentials themselves", async () => {
    const sent: (string | null)[] = [];
    const { repository } = await simulate((request, forward) => {
      if (new URL(request.url).host === "storage.example") {
        sent.push(request.headers.get("authorization"));
        return unauthorized('Bearer realm="https://storage.example/token"');
      }
      const location = "https://storage.example/x";
      return request.url.includes("/blobs/")
        ? new Response(null, { status: 307, headers: { location } })
        : tokens(() => true)(request, forward);
    }, { credentials: PASSWORD });
    await assert.rejects(repository.getBlob(BLOB), { code: "UNAUTHORIZED" });
    assert.deepEqual(sent, [null]);
    assert.ok(await repository.headManifest("1"));
  }],
  ["Token services", "are on another host without https", async () => {
    const sent: (string | null)[] = [];
    const { repository } = await simulate((request) => {
      if (path(request) !== "/token") return unauthorized('Bearer realm="http://auth.example/token"');
      sent.push(request.headers.get("authorization"));
      return Response.json({ token: "t" });
    }, { credentials: PASSWORD, insecure: true });
    await assert.rejects(repository.getManifest("1"), { code: "UNAUTHORIZED", message: /--insecure-token-service/ });
    assert.ok(sent.length > 0 && sent.every((authorization) => authorization === null));
  }],
  ["Plain HTTP", "leaves a TLS handshake without an answer", async () => {
    const { repository } = await simulate((request, forward) => {
      if (request.url.startsWith("http:")) return forward(request);
      const { promise, reject } = Promise.withResolvers<Response>();
      request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
      return promise;
    }, { insecure: true, timeouts: { probeTimeout: 1 } });
    assert.ok(await repository.headManifest("1"));
  }],
];

for (const [registry, quirk, run] of quirks) Deno.test(`${registry} ${quirk}`, run);

Deno.test("every quirk is in docs/registries.md, and nothing else", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/registries.md", import.meta.url));
  const rows = [...text.matchAll(/^\| *([^|]+?) *\| *([^|]+?) *\|[^|]+\|$/gm)].map(([, registry, quirk]) =>
    `${registry} ${quirk}`
  );
  const listed = rows.filter((row) => !/^registry |^-+ /.test(row));
  assert.deepEqual(listed, quirks.map(([registry, quirk]) => `${registry} ${quirk}`));
});
