/** Races between two steps or two callers that were bugs once. */
import assert from "node:assert/strict";
import { create, createMemoryStore, editList, loadFromImage, openStore } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Digest, MEDIA_TYPES } from "../../src/spec/room.ts";
import { CLI } from "../support/cli.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";
import { exec } from "../support/peers.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
const DIGEST = `sha256:${"0".repeat(64)}` as Digest;
const stream = (bytes: Uint8Array<ArrayBuffer>) =>
  new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>;

Deno.test("a save notices a change of instances.json or artifacts.json alone", async () => {
  for (const key of ["instances.json", "artifacts.json"]) {
    await using store = createMemoryStore();
    const id = await create().saveToImage(store, { names: ["app"] });
    const { list } = await loadFromImage(store, "app");
    await store.writeBigData(id, [{
      key,
      bytes: encode('{"files":{}}'.replace("files", key === "artifacts.json" ? "files" : "")),
    }]);
    await assert.rejects(list.saveToImage(store), { code: "LIST_CHANGED" }, key);
  }
});

Deno.test("a store that is its own additional store does not lock itself out", async () => {
  await using at = await makeStore();
  await Deno.mkdir(at.root);
  await Deno.symlink(at.root, `${at.folder}/link`);
  const store = await openStore({
    root: at.root,
    runRoot: at.runRoot,
    driver: "vfs",
    driverOptions: [`additionalimagestore=${at.folder}/link`],
  });
  await create().saveToImage(store, { names: ["app"] });
  await assert.rejects(store.deleteImage("f".repeat(64)), { code: "IMAGE_UNKNOWN" });
  assert.equal((await store.listImages()).length, 1);
});

Deno.test("two spellings of one store path and two concurrent saves make one record", async () => {
  await using at = await makeStore();
  await Deno.symlink(at.folder, `${at.folder}-link`);
  const link = `${at.folder}-link`;
  const other = await openStore({ root: `${link}/root`, runRoot: `${link}/run`, driver: "vfs" });
  const list = create();
  const ids = await Promise.all([list.saveToImage(at.store), list.saveToImage(at.store), list.saveToImage(other)]);
  assert.deepEqual(new Set(ids).size, 1);
  assert.equal((await at.store.listImages()).length, 1);
  assert.ok(list.reference(other));
  await Deno.remove(link);
});

Deno.test("a list is not saved over an ordinary image", async () => {
  await using store = createMemoryStore();
  const { id } = await store.createImage({
    data: [{ key: "manifest", bytes: makeImage({ architecture: "amd64" }).manifest }],
  });
  await assert.rejects(create().saveToImage(store, { imageId: id }), { code: "NOT_A_MANIFEST_LIST" });
});

Deno.test("an edit that is aborted while it runs is not saved", async () => {
  await using store = createMemoryStore();
  await create().saveToImage(store, { names: ["app"] });
  const abort = new AbortController();
  const editing = editList(store, "app", (list) => {
    list.setAnnotations(undefined, { a: "b" });
    abort.abort("stop");
  }, { signal: abort.signal });
  await assert.rejects(editing, (reason) => reason === "stop");
  assert.deepEqual((await loadFromImage(store, "app")).list.annotations(undefined), {});
});

Deno.test("push --rm keeps a list that another process edited during the push", async () => {
  await using at = await makeStore();
  await create().saveToImage(at.store, { names: ["app"] });
  const registry = createRegistry({ storage: createMemoryStorage() });
  await using to = serve(async (request) => {
    if (request.method === "PUT") {
      await editList(at.store, "app", (list) => list.setAnnotations(undefined, { late: "1" }));
    }
    return await registry.fetch(request);
  });
  const { code, stderr } = await exec([
    ...CLI,
    ...at.flags,
    "push",
    "-q",
    "--rm",
    "--tls-verify=false",
    "app",
    `${to.host}/app:1`,
  ]);
  assert.equal(code, 125);
  assert.match(stderr, /another process changed it/);
  assert.deepEqual((await loadFromImage(at.store, "app")).list.annotations(undefined), { late: "1" });
});

Deno.test("aborting the only caller ends the shared request; aborting one of several does not", async () => {
  const signals: AbortSignal[] = [];
  const answer = Promise.withResolvers<Response>();
  const client = new RegistryClient("r.example", {
    fetch: (request) => {
      signals.push(request.signal);
      const aborted = new Promise<never>((_, reject) =>
        request.signal.addEventListener("abort", () => reject(request.signal.reason))
      );
      return Promise.race([answer.promise, aborted]);
    },
  });
  const abort = new AbortController();
  const alone = client.repository("a").headBlob(DIGEST, { signal: abort.signal });
  await Promise.resolve();
  abort.abort(new Error("gone"));
  await assert.rejects(alone, /gone/);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true]);
  answer.resolve(new Response(""));
  assert.equal(await client.repository("a").headBlob(DIGEST), -1);
});

Deno.test("an aborted upload still cancels its session", async () => {
  const requests: string[] = [];
  const abort = new AbortController();
  const fetch = async (request: Request): Promise<Response> => {
    requests.push(request.method);
    if (request.method === "POST") {
      return new Response("", { status: 202, headers: { location: "/v2/app/blobs/uploads/1" } });
    }
    if (request.method === "PATCH") {
      abort.abort(new Error("stop"));
      await request.arrayBuffer();
    }
    return new Response("");
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  const bytes = new Uint8Array(2_000_000);
  await assert.rejects(repository.putBlob(describe("m", bytes), stream(bytes), { signal: abort.signal }), /stop/);
  assert.equal(requests.at(-1), "DELETE");
});

Deno.test("an upload fails if the registry stops reading early", async () => {
  const fetch = (request: Request): Promise<Response> => {
    const location = "/v2/app/blobs/uploads/1";
    const status = request.method === "GET" ? 200 : request.method === "PUT" ? 201 : 202;
    return Promise.resolve(new Response("", { status, headers: { location } }));
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  const bytes = new Uint8Array(2_000_000);
  await assert.rejects(repository.putBlob(describe("m", bytes), stream(bytes)), { code: "NETWORK" });
});

Deno.test("a repeated mount leaves no upload session behind", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  let opened = 0, closed = 0, heads = 0;
  await using to = serve(async (request) => {
    const head = request.method === "HEAD" && request.url.includes("/to/blobs/");
    if (head && heads++ < 4) return new Response("", { status: 503 });
    const url = request.url.replace("mount=", "nomount=");
    const response = await registry.fetch(new Request(url, request));
    if (request.method === "POST" && request.url.includes("/to/")) opened++;
    if ((request.method === "DELETE" || request.method === "PUT") && request.url.includes("/to/blobs/uploads/")) {
      closed++;
    }
    return response;
  });
  await pushImage(
    new RegistryClient(to.host, { insecure: true }).repository("from"),
    makeImage({ architecture: "amd64" }),
    "1",
  );
  const list = create();
  await list.add(`${to.host}/from:1`, { systemContext });
  await list.push(`${to.host}/to:1`, { systemContext, maxRetries: 4, retryDelay: 0 });
  assert.equal(opened, 2);
  assert.equal(closed, opened);
});

Deno.test("a probe waits for a busy registry, and reports a refusal", async () => {
  let probes = 0;
  const answers = (statuses: number[]) => (): Promise<Response> => {
    const status = statuses[Math.min(probes++, statuses.length - 1)]!;
    return Promise.resolve(new Response("", { status, headers: status === 403 ? {} : { "retry-after": "0" } }));
  };
  const head = (statuses: number[]) => {
    probes = 0;
    const options = { fetch: answers(statuses), timeouts: { retryDelay: 0 } };
    return new RegistryClient("r.example", options).repository("a").headBlob(DIGEST);
  };
  assert.equal(await head([503, 429, 200]), -1);
  await assert.rejects(head([403]), { code: "DENIED", status: 403 });
  await assert.rejects(head([429]), { code: "TOO_MANY_REQUESTS" });
});

Deno.test("a manifest is read again after the connection breaks", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  let broken = 0;
  await using from = serve(async (request) => {
    const response = await registry.fetch(request);
    if (request.method !== "GET" || !request.url.includes("/manifests/") || broken++ > 0) return response;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(encode("{"));
        controller.close();
      },
    });
    return new Response(body, { headers: response.headers });
  });
  const image = makeImage({ architecture: "amd64" });
  await pushImage(new RegistryClient(from.host, { insecure: true }).repository("app"), image, "1");
  assert.equal(await create().add(`${from.host}/app:1`, { systemContext }), image.digest);
  assert.equal(broken, 2);
});

Deno.test("requests that are refused at the same time fetch one new token", async () => {
  let tokens = 0, valid = "";
  const fetch = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const headers = { "www-authenticate": 'Bearer realm="https://r.example/token"' };
    if (url.pathname === "/token") return new Response(JSON.stringify({ token: valid = `t${++tokens}` }));
    await new Promise((resolve) => setTimeout(resolve, 0));
    const ok = request.headers.get("authorization") === `Bearer ${valid}`;
    return url.pathname !== "/v2/" && ok ? new Response("") : new Response("", { status: 401, headers });
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("a");
  await repository.headBlob(DIGEST);
  valid = "revoked";
  await Promise.all(Array.from({ length: 20 }, () => repository.headBlob(DIGEST)));
  assert.equal(tokens, 2);
});

Deno.test("errors can be told apart with the exports of ./remote alone", async () => {
  await using registry = startEmbedded();
  const remote = await import("../../src/system/remote/mod.ts");
  const failed = await remote.create().add(`${registry.host}/none:1`, { systemContext }).catch((error) => error);
  assert.ok(remote.isManifestsError(failed, "NOT_FOUND"));
  assert.equal(remote.MEDIA_TYPES, MEDIA_TYPES);
});
