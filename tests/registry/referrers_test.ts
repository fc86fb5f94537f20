/** Referrers in registries with the API, without it, and with odd responses. */
import assert from "node:assert/strict";
import { type Fetch, RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";

const IMAGE = makeImage({ architecture: "amd64" });
const SUBJECT = describe(MEDIA_TYPES.ociManifest, IMAGE.manifest);
const TAG = `sha256-${SUBJECT.digest.slice(7)}`;
const EMPTY = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });

/** An index with the image as its subject: it needs no blobs. */
const artifact = (name: string) =>
  encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    artifactType: "example/x",
    manifests: [],
    subject: SUBJECT,
    annotations: { name },
  });

const isApi = (request: Request) => request.url.includes("/referrers/");

/** A registry without the referrers API: it answers with `refuse`. `tamper` may answer other requests. */
async function withoutApi(
  refuse: () => Response = () => new Response("404 page not found", { status: 404 }),
  tamper: (request: Request, forward: Fetch) => Promise<Response> = (request, forward) => forward(request),
) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const forward: Fetch = async (request) => {
    if (isApi(request)) return refuse();
    const response = await registry.fetch(request);
    response.headers.delete("oci-subject");
    return response;
  };
  const fetch: Fetch = (request) => tamper(request, forward);
  const open = () => new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1 } }).repository("app");
  await pushImage(new RegistryClient("r.example", { fetch: registry.fetch }).repository("app"), IMAGE, "1");
  return { repository: open(), open, registry };
}

const refusals: [name: string, refuse: () => Response][] = [
  ...[400, 404, 405, 406, 501].map((status): [string, () => Response] => [
    `status ${status}`,
    () => new Response("", { status }),
  ]),
  ["a web page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  ["JSON of another type", () => new Response("{}", { headers: { "content-type": "application/json" } })],
];

for (const [name, refuse] of refusals) {
  Deno.test(`without the referrers API (${name}), the tag stands in for it`, async () => {
    const { repository } = await withoutApi(refuse);
    const bytes = artifact("a");
    const digest = await repository.putManifest(digestOf(bytes), bytes);
    assert.equal((await repository.getManifest(TAG)).mediaType, MEDIA_TYPES.ociIndex);
    const expected = {
      ...describe(MEDIA_TYPES.ociIndex, bytes),
      artifactType: "example/x",
      annotations: { name: "a" },
    };
    assert.deepEqual(await Array.fromAsync(repository.listReferrers(SUBJECT.digest)), [expected]);
    await repository.putManifest(digest, bytes);
    assert.equal((await Array.fromAsync(repository.listReferrers(SUBJECT.digest))).length, 1);
    await repository.deleteManifest(digest);
    assert.deepEqual((await repository.getManifest(TAG)).bytes, EMPTY);
  });
}

Deno.test("a registry that rejects the request is not taken for one without the API", async () => {
  for (const [status, code] of [[403, "DENIED"], [401, "UNAUTHORIZED"], [500, "REGISTRY_ERROR"]] as const) {
    const { repository } = await withoutApi(() => new Response("", { status }));
    await assert.rejects(Array.fromAsync(repository.listReferrers(SUBJECT.digest)), { code });
  }
});

Deno.test("a tag that does not name an index is neither read as referrers nor overwritten", async () => {
  const { repository } = await withoutApi();
  await pushImage(repository, IMAGE, TAG);
  const bytes = artifact("a");
  await assert.rejects(repository.putManifest("a", bytes), {
    code: "REGISTRY_ERROR",
    message: /does not name an index/,
  });
  await assert.rejects(Array.fromAsync(repository.listReferrers(SUBJECT.digest)), { code: "REGISTRY_ERROR" });
  assert.equal((await repository.getManifest(TAG)).digest, IMAGE.digest);
});

Deno.test("no referrer is lost if several clients push at the same time", async () => {
  const { open } = await withoutApi();
  const names = Array.from({ length: 8 }, (_, i) => `${i}`);
  await Promise.all(names.map((name) => open().putManifest(name, artifact(name))));
  const found = await Array.fromAsync(open().listReferrers(SUBJECT.digest));
  assert.deepEqual(found.map(({ annotations }) => annotations?.name).sort(), names);
});

Deno.test("no referrer is lost in a registry that ignores conditions: six writers, three referrers each", async () => {
  const { open } = await withoutApi(undefined, (request, forward) => {
    for (const header of ["if-match", "if-none-match"]) request.headers.delete(header);
    return forward(request);
  });
  const writers = Array.from({ length: 6 }, () => open());
  const names = writers.flatMap((_, i) => ["a", "b", "c"].map((part) => `${i}${part}`));
  await Promise.all(
    writers.flatMap((writer, i) =>
      names.slice(3 * i, 3 * i + 3).map((name) => writer.putManifest(name, artifact(name)))
    ),
  );
  const found = await Array.fromAsync(open().listReferrers(SUBJECT.digest));
  assert.deepEqual(found.map(({ annotations }) => annotations?.name).sort(), names);
});

for (const late of [false, true]) {
  const when = late ? "later" : "right after it";
  Deno.test(`if a writer without conditional requests undoes a change ${when}, the change is made again`, async () => {
    let undone = 0;
    const { repository } = await withoutApi(undefined, async (request, forward) => {
      const response = await forward(request);
      const undo = () => {
        const headers = { "content-type": MEDIA_TYPES.ociIndex };
        return forward(new Request(request.url, { method: "PUT", body: EMPTY, headers }));
      };
      if (request.method === "PUT" && request.url.endsWith(TAG) && undone++ === 0) {
        if (late) setTimeout(() => void undo());
        else await undo();
      }
      return response;
    });
    await repository.putManifest("a", artifact("a"));
    assert.equal((await Array.fromAsync(repository.listReferrers(SUBJECT.digest))).length, 1);
    assert.equal(undone, 2);
  });
}

Deno.test("the client filters referrers if the registry did not", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const fetch: Fetch = (request) => registry.fetch(isApi(request) ? new Request(request.url.split("?")[0]!) : request);
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  await pushImage(repository, IMAGE, "1");
  await repository.putManifest("a", artifact("a"));
  const list = (artifactType: string) => Array.fromAsync(repository.listReferrers(SUBJECT.digest, { artifactType }));
  assert.equal((await list("example/x")).length, 1);
  assert.deepEqual(await list("example/y"), []);
});

Deno.test("referrers are listed page by page, each once", async () => {
  const entry = (i: number) => ({ mediaType: MEDIA_TYPES.ociManifest, digest: digestOf(encode(`${i}`)), size: 1 });
  const page = (numbers: number[], link?: string) =>
    new Response(encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: numbers.map(entry) }), {
      headers: { "content-type": MEDIA_TYPES.ociIndex, ...(link ? { link } : {}) },
    });
  const fetch: Fetch = (request) => {
    const { pathname, search } = new URL(request.url);
    assert.ok(pathname.startsWith("/v2/"));
    // The path that a registry behind a proxy sees.
    const inner = `/repository/x${pathname}?p=3`;
    if (search === "?p=2") return Promise.resolve(page([2, 3], `<${inner}>; rel="next"`));
    if (search === "?p=3") return Promise.resolve(page([4], '<?p=2>; rel="next"'));
    return Promise.resolve(isApi(request) ? page([1, 2], '<?p=2>; rel="next"') : new Response(""));
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  const found = await Array.fromAsync(repository.listReferrers(SUBJECT.digest));
  assert.deepEqual(found.map(({ digest }) => digest), [1, 2, 3, 4].map((i) => entry(i).digest));
});

Deno.test("10,000 referrers are requested as they are read", async () => {
  let requests = 0;
  const fetch: Fetch = (request) => {
    if (!isApi(request)) return Promise.resolve(new Response(""));
    requests++;
    const page = Number(new URL(request.url).searchParams.get("p") ?? 0);
    const manifests = Array.from({ length: 500 }, (_, i) => ({
      mediaType: MEDIA_TYPES.ociManifest,
      digest: `sha256:${(page * 500 + i).toString(16).padStart(64, "0")}`,
      size: 1,
    }));
    const link = page < 19 ? { link: `<?p=${page + 1}>; rel="next"` } : {};
    const headers = { "content-type": MEDIA_TYPES.ociIndex, ...link };
    return Promise.resolve(
      new Response(encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }), { headers }),
    );
  };
  const repository = new RegistryClient("r.example", { fetch }).repository("app");
  let count = 0;
  for await (const { digest } of repository.listReferrers(SUBJECT.digest)) {
    assert.equal(parseInt(digest.slice(-8), 16), count);
    // A page is requested only when its entries are read, so none waits in memory.
    assert.equal(requests, Math.floor(count / 500) + 1);
    count++;
  }
  assert.equal(count, 10_000);
});
