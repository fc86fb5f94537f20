/** Attacks by hostile or broken registries, all of which must fail. */
import assert from "node:assert/strict";
import { create, createMemoryStore, loadFromImage, MEDIA_TYPES, openStore } from "../../mod.ts";
import type { SystemContext } from "../../src/image/room.ts";
import { type Fetch, RegistryClient, RegistryPool } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Digest, digestOf, manifestDigest, parseManifest, parseReference, readBlob } from "../../src/spec/room.ts";
import { readStream } from "../../src/internal/room.ts";
import { createDockerTransport } from "../../src/transport/docker/room.ts";
import { copyImageWith } from "../../src/copy/room.ts";
import { parseImageName } from "../../mod.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";
import { readSome, serve, startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";
import { runPending } from "../support/timers.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
const DIGEST = `sha256:${"0".repeat(64)}` as Digest;

Deno.test("a document that gets another manifest's digest by a signature is not read as that manifest", () => {
  const { manifest, digest } = makeImage({ architecture: "amd64" });
  const text = new TextDecoder().decode(manifest);
  const header = btoa(JSON.stringify({ formatLength: 1, formatTail: btoa(text.slice(1)) }));
  const evil = {
    ...JSON.parse(text),
    layers: [describe("evil", encode("evil"))],
    schemaVersion: 1,
    signatures: [{ protected: header }],
  };
  const bodies = [
    evil,
    { ...evil, mediaType: undefined },
    { ...evil, mediaType: undefined, MediaType: MEDIA_TYPES.ociManifest },
    { schemaVersion: 1, signatures: evil.signatures, manifests: [], MediaType: MEDIA_TYPES.ociIndex },
    { schemaVersion: 1, signatures: evil.signatures, fsLayers: [{ blobSum: DIGEST }] },
  ];
  for (const body of bodies) {
    const bytes = encode(body);
    for (
      const declared of [undefined, MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerSchema1Signed]
    ) {
      // It may be itself, under its own digest; under the borrowed one it is refused.
      const borrowed = (() => {
        try {
          return manifestDigest(bytes) === digest && parseManifest(bytes, declared).kind;
        } catch (error) {
          assert.match((error as { code: string }).code, /^(INVALID|AMBIGUOUS)_MANIFEST$/);
          return false;
        }
      })();
      assert.equal(borrowed, false, JSON.stringify([body, declared]));
    }
  }
});

Deno.test("a plain HTTP server next to the real registry is not trusted", async () => {
  const seen: string[] = [];
  const registry = createRegistry({
    storage: createMemoryStorage(),
    access: { scheme: "basic", users: { me: "secret" } },
  });
  const fetch = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    if (request.headers.has("authorization")) seen.push(url.origin);
    if (url.protocol === "https:") return await registry.fetch(request);
    return new Response("", {
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="http://evil.example/token"' },
    });
  };
  const credentials = { username: "me", password: "secret" };
  const repository = new RegistryClient("r.example", { fetch, credentials, insecure: true }).repository("app");
  for (let i = 0; i < 3; i++) assert.equal(await repository.headManifest("1"), undefined);
  assert.deepEqual([...new Set(seen)], ["https://r.example"]);
});

Deno.test("a token service on another host gets no password over plain HTTP", async () => {
  const seen: (string | null)[] = [];
  const fetch = (request: Request): Promise<Response> => {
    if (request.url.includes("evil")) seen.push(request.headers.get("authorization"));
    const headers = { "www-authenticate": 'Bearer realm="http://evil.example/token"' };
    const token = request.url.includes("evil") || request.url.startsWith("https:");
    if (request.url.startsWith("https:")) return Promise.reject(new TypeError("no TLS here"));
    return Promise.resolve(token ? new Response('{"token":"x"}') : new Response("", { status: 401, headers }));
  };
  const credentials = { username: "me", password: "secret" };
  const repository = new RegistryClient("r.example", { fetch, credentials, insecure: true }).repository("app");
  await assert.rejects(repository.getManifest("1"), { code: "UNAUTHORIZED" });
  assert.ok(seen.length > 0);
  assert.deepEqual(new Set(seen), new Set([null]));
});

Deno.test("an upload location is not followed from https to http", async () => {
  const seen: string[] = [];
  const fetch = (request: Request): Promise<Response> => {
    seen.push(request.url);
    const location = "http://evil.example/up";
    return Promise.resolve(new Response("", request.method === "POST" ? { status: 202, headers: { location } } : {}));
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  const bytes = encode("secret content");
  const put = repository.putBlob(describe("m", bytes), new Blob([bytes]).stream());
  await assert.rejects(put, { code: "REGISTRY_ERROR", message: /over https/ });
  assert.ok(seen.every((url) => url.startsWith("https://r.example/")));
});

Deno.test("all spellings of a registry host mean the same host", async () => {
  const registry = createRegistry({ storage: createMemoryStorage(), access: { scheme: "basic", users: { me: "p" } } });
  for (const host of ["REG.example", "reg.example:443", "reg.example"]) {
    const options = { fetch: registry.fetch, credentials: { username: "me", password: "p" } };
    assert.equal(await new RegistryClient(host, options).repository("app").headManifest("1"), undefined);
  }
});

Deno.test("a body of many tiny chunks takes little more memory than its bytes", async () => {
  let left = 3000, allocated = 0;
  const trickle = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const view = controller.byobRequest!.view!;
      allocated += view.byteLength;
      if (left-- === 0) {
        controller.close();
        return controller.byobRequest!.respond(0);
      }
      new Uint8Array(view.buffer, view.byteOffset, 1)[0] = 7;
      controller.byobRequest!.respond(1);
    },
  }) as ReadableStream<Uint8Array<ArrayBuffer>>;
  assert.deepEqual(await readStream(trickle, 10_000), new Uint8Array(3000).fill(7));
  assert.ok(allocated < 20_000_000, `${allocated}`);
});

Deno.test("a push ends if the destination refuses it while the source is stalled", async () => {
  let cancelled = 0;
  const stalled = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let i = 0; i < 3; i++) controller.enqueue(new Uint8Array(100_000));
    },
    pull: () => new Promise(() => {}),
    cancel: () => void cancelled++,
  });
  await using to = serve(async (request) => {
    if (request.method === "POST") {
      return new Response("", { status: 202, headers: { location: "/v2/app/blobs/uploads/1" } });
    }
    if (request.method !== "PATCH") return new Response("");
    await readSome(request);
    return new Response('{"errors":[{"code":"DENIED"}]}', { status: 403 });
  });
  const repository = new RegistryClient(to.host, { insecure: true }).repository("app");
  const putting = repository.putBlob({ mediaType: "m", digest: DIGEST, size: 9_000_000 }, stalled);
  await assert.rejects(putting, { code: "DENIED" });
  assert.equal(cancelled, 1);
});

Deno.test("the source stream of a blob that is refused before it is read is cancelled", async () => {
  let cancelled = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({ cancel: () => void cancelled++ });
  const fetch = (request: Request) =>
    Promise.resolve(new Response("", { status: request.method === "POST" ? 403 : 200 }));
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  await assert.rejects(repository.putBlob({ mediaType: "m", digest: DIGEST, size: 9_000_000 }, source), {
    code: "DENIED",
  });
  assert.equal(cancelled, 1);
  await assert.rejects(
    readBlob(new Blob([new Uint8Array(9)]).stream(), { mediaType: "m", digest: DIGEST, size: 9 }, 5),
    {
      code: "LIMIT_EXCEEDED",
    },
  );
});

Deno.test("the abort of one caller does not abort another", async () => {
  const answer = Promise.withResolvers<void>();
  const fetch = async () => {
    await answer.promise;
    return new Response("", { status: 200 });
  };
  const client = new RegistryClient("r.example", { fetch });
  const abort = new AbortController();
  const first = client.repository("a").headBlob(DIGEST, { signal: abort.signal });
  const second = client.repository("b").headBlob(DIGEST);
  abort.abort(new Error("mine alone"));
  await assert.rejects(first, /mine alone/);
  answer.resolve();
  assert.equal(await second, -1);
});

/** A registry that everybody may read, and that asks who does. */
function curious(scheme: "basic" | "bearer", open: Fetch): Fetch {
  return (request) => {
    const { pathname } = new URL(request.url);
    const challenge = scheme === "basic" ? 'Basic realm="x"' : 'Bearer realm="/token",service="x"';
    const refusal = new Response("", { status: 401, headers: { "www-authenticate": challenge } });
    if (scheme === "basic") return pathname === "/v2/" ? Promise.resolve(refusal) : open(request);
    if (pathname === "/token") return Promise.resolve(Response.json({ token: "t" }));
    return request.headers.get("authorization") === "Bearer t" ? open(request) : Promise.resolve(refusal);
  };
}

for (const scheme of ["basic", "bearer"] as const) {
  Deno.test(`credentials for the destination do not go to sources that ask for them (${scheme})`, async () => {
    const seen: [string, string | null][] = [];
    const theirs = createRegistry({ storage: createMemoryStorage() });
    const mine = createRegistry({ storage: createMemoryStorage(), access: { scheme, users: { me: "p" } } });
    const answer = new Map([["mine.example", mine.fetch], ["theirs.example", curious(scheme, theirs.fetch)]]);
    const fetch: Fetch = (request) => {
      const { host } = new URL(request.url);
      seen.push([host, request.headers.get("authorization")]);
      return answer.get(host)!(request);
    };
    const direct = new RegistryClient("theirs.example", { fetch: theirs.fetch }).repository("app");
    await pushImage(direct, makeImage({ architecture: "amd64" }), "1");
    const list = create();
    await list.add("theirs.example/app:1", { systemContext: { fetch } });
    const context = { fetch, dockerAuthConfig: { username: "me", password: "p" } };
    await list.push("mine.example/app:1", { systemContext: context });
    const withPassword = (name: string) => seen.filter(([host, value]) => host === name && value?.startsWith("Basic "));
    assert.deepEqual(withPassword("theirs.example"), []);
    assert.ok(withPassword("mine.example").length > 0);
    assert.ok(seen.some(([host]) => host === "theirs.example"));
  });
}

for (const scheme of ["basic", "bearer"] as const) {
  Deno.test(`credentials for a registry do not go to its mirror on another host, which asks for them (${scheme})`, async () => {
    const secrets: SystemContext[] = [
      { dockerAuthConfig: { username: "me", password: "p" } },
      { dockerBearerRegistryToken: "secret" },
      { credentials: { "real.example": { username: "me", password: "p" } } },
    ];
    for (const secret of secrets) {
      const sent: (string | null)[] = [];
      const theirs = createRegistry({ storage: createMemoryStorage() });
      const image = makeImage({ architecture: "amd64" });
      await pushImage(
        new RegistryClient("mirror.example", { fetch: theirs.fetch }).repository("app"),
        image,
        "1",
      );
      const asking = curious(scheme, theirs.fetch);
      const fetch: Fetch = (request) => {
        assert.equal(new URL(request.url).host, "mirror.example");
        sent.push(request.headers.get("authorization"));
        return asking(request);
      };
      const place = { reference: parseReference("mirror.example/app:1"), insecure: false };
      const transport = createDockerTransport({
        pool: new RegistryPool(),
        findPullPlaces: () => Promise.resolve([place]),
      });
      await using source = await transport.parseReference("//real.example/app:1").openSource({ fetch, ...secret });
      assert.deepEqual((await source.getManifest()).bytes, image.manifest);
      assert.deepEqual(new Set(sent), new Set(scheme === "basic" ? [null] : [null, "Bearer t"]));
    }
  });
}

Deno.test("a bearer token that no header can hold is not sent, and not part of the error", async () => {
  const client = new RegistryClient("r.example", {
    bearerToken: "top\nsecret",
    fetch: () => Promise.resolve(new Response("")),
  });
  await assert.rejects(client.repository("a").headManifest("1"), (error: Error & { code: string }) => {
    assert.equal(error.code, "UNAUTHORIZED");
    return !/secret/.test(Deno.inspect(error));
  });
});

Deno.test("retries are counted once", async () => {
  let puts = 0;
  const registry = createRegistry({ storage: createMemoryStorage() });
  await using to = serve((request) => {
    if (request.method !== "PUT" || !request.url.includes("/manifests/")) return registry.fetch(request);
    puts++;
    return new Response("", { status: 503, headers: { "retry-after": "0" } });
  });
  const list = create();
  await list.addArtifact([]);
  for (const [maxRetries, expected] of [[0, 1], [2, 3]] as const) {
    puts = 0;
    await assert.rejects(list.push(`${to.host}/app:1`, { systemContext, maxRetries, retryDelay: 0 }), { status: 503 });
    assert.equal(puts, expected);
  }
});

Deno.test("an upload succeeds if the answer of the closing PUT is lost, but the blob exists", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const fetch = async (request: Request): Promise<Response> => {
    const response = await registry.fetch(request);
    if (request.method === "PUT" && request.url.includes("/uploads/")) throw new TypeError("connection reset");
    return response;
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  const bytes = encode("content");
  await repository.putBlob(describe("m", bytes), new Blob([bytes]).stream());
  assert.equal(await repository.headBlob(digestOf(bytes)), bytes.length);
});

Deno.test("after a refused mount or a refused HEAD the blob is uploaded", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  let refused = 0;
  await using to = serve((request) => {
    const mount = request.url.includes("mount=");
    const head = request.method === "HEAD" && request.url.includes("/blobs/");
    if (!mount && !head) return registry.fetch(request);
    refused++;
    return new Response("", { status: 405 });
  });
  await pushImage(
    new RegistryClient(to.host, { insecure: true }).repository("from"),
    makeImage({ architecture: "amd64" }),
    "1",
  );
  const list = create();
  await list.add(`${to.host}/from:1`, { systemContext });
  await list.push(`${to.host}/to:1`, { systemContext, maxRetries: 0 });
  assert.ok(refused >= 4);
});

Deno.test("a late error of a listener or a report writer is not an unhandled rejection", async () => {
  await using to = startEmbedded();
  const list = create();
  await list.addArtifact([]);
  await list.push(`${to.host}/app:1`, {
    systemContext,
    onProgress: () => Promise.reject(new Error("later")) as unknown as void,
    reportWriter: { write: () => Promise.reject(new Error("EPIPE")) },
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("a failed push waits for the requests that it started", async () => {
  await using from = startEmbedded();
  const layers = [encode("one"), encode("two"), encode("three")];
  await pushImage(
    new RegistryClient(from.host, { insecure: true }).repository("app"),
    makeImage({ architecture: "amd64", layers }),
    "1",
  );
  const broken = Promise.withResolvers<void>();
  let running = 0, puts = 0;
  const reference = parseImageName(`docker://${from.host}/dst:1`);
  const failing = Object.assign(Object.create(reference), {
    openDestination: async () => {
      const destination = await reference.openDestination(systemContext);
      return Object.assign(Object.create(destination), {
        abilities: { manifestTypes: [] },
        findBlob: () => Promise.resolve(undefined),
        // Optional, and only works on the real destination.
        prepareBlob: undefined,
        putBlob: async () => {
          running++;
          const first = puts++ === 0;
          if (first) {
            running--;
            broken.resolve();
            throw new Error("broken");
          }
          // The failure has gone wherever it goes before the others end.
          await broken.promise;
          await runPending();
          running--;
        },
        [Symbol.asyncDispose]: async () => {
          assert.equal(running, 0, "nothing works on a destination that is disposed");
          await destination[Symbol.asyncDispose]();
        },
      });
    },
  });
  const copying = copyImageWith(parseImageName(`docker://${from.host}/app:1`), failing, {
    selection: "all",
    platform: { os: "linux", architecture: "amd64" },
    policy: { assertAllowed: () => Promise.resolve() },
    systemContext,
    maxRetries: 0,
  });
  await assert.rejects(copying, /broken/);
  assert.equal(running, 0);
});

Deno.test("ids that are paths touch no file outside the store", async () => {
  await using at = await makeStore();
  await Deno.mkdir(`${at.folder}/evil`);
  await Deno.writeTextFile(`${at.folder}/evil/keep`, "");
  for (const store of [at.store, createMemoryStore()]) {
    for (const imageId of ["../../evil", "", ".", "..", "abc", "A".repeat(64)]) {
      await assert.rejects(create().saveToImage(store, { imageId }), { code: "IMAGE_UNKNOWN" });
      await assert.rejects(store.deleteImage(imageId), { code: "IMAGE_UNKNOWN" });
      await assert.rejects(store.writeBigData(imageId, []), { code: "IMAGE_UNKNOWN" });
    }
    assert.deepEqual(await store.listImages(), []);
  }
  await Deno.stat(`${at.folder}/evil/keep`);
});

Deno.test("a list is saved to the record that it was loaded from, and a deleted record is not created again", async () => {
  await using at = await makeStore();
  await using memory = createMemoryStore();
  const again = await openStore({ root: at.root, runRoot: at.runRoot, driver: "vfs" });
  const id = await create().saveToImage(at.store, { names: ["app"] });
  const { list } = await loadFromImage(at.store, "app");
  list.setAnnotations(undefined, { a: "1" });
  assert.notEqual(await list.saveToImage(memory, { names: ["copy"] }), id);
  assert.equal(await list.saveToImage(again), id);
  assert.deepEqual((await loadFromImage(at.store, "app")).list.annotations(undefined), { a: "1" });
  assert.equal((await at.store.listImages()).length, 1);
  await at.store.deleteImage(id);
  await assert.rejects(list.saveToImage(at.store), { code: "LIST_IMAGE_UNKNOWN" });
  assert.deepEqual(await at.store.listImages(), []);
});

Deno.test("a reference to another store is not looked up in this one", async () => {
  await using at = await makeStore();
  const id = await create().saveToImage(at.store, { names: ["app"] });
  const here = `containers-storage:${at.store.location}localhost/app:latest`;
  assert.equal((await loadFromImage(at.store, here)).imageId, id);
  for (
    const name of ["containers-storage:[vfs@/elsewhere+/x]localhost/app", "oci:app", "dir:app", "docker-archive:app"]
  ) {
    await assert.rejects(loadFromImage(at.store, name), { code: "UNSUPPORTED_TRANSPORT" });
  }
});
