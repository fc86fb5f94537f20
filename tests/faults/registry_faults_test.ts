/** Everything that registries, and the networks before them, do wrong: over real connections. */
import assert from "node:assert/strict";
import { toArrayBuffer } from "@std/streams";
import { gzipSync } from "node:zlib";
import { openNodeFetch } from "../../src/registry/node/room.ts";
import { type FetchHandle, RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Descriptor, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { readSome, serve, startDockerRegistry, type TestRegistry } from "../support/registries.ts";
import { type RelayFault, startRaw, startRelay } from "../support/relay.ts";

const SIZE = 3_000_000;
const BLOB = new Uint8Array(SIZE).map((_, i) => i * 7 + (i >> 10));
const DESCRIPTOR: Descriptor = { mediaType: "m", digest: digestOf(BLOB), size: SIZE };
const INDEX = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
/** No case may need as long as this: then it stands still somewhere. */
const DEADLINE = 20_000;
/** Timeouts of stalled connections: longer than anything else takes on a busy machine. */
const TIMEOUTS = { headersTimeout: 1500, stallTimeout: 600, uploadTimeout: 1500, retryDelay: 1 };

const pieces = (offset = 0): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let at = offset;
  return new ReadableStream({
    pull: (controller) => at < SIZE ? controller.enqueue(BLOB.slice(at, at += 65_536)) : controller.close(),
  });
};
const reopen = (offset: number) => Promise.resolve(pieces(offset));

type Action = (repository: Repository, signal: AbortSignal) => Promise<void>;

const download: Action = async (repository, signal) => {
  const bytes = await toArrayBuffer(await repository.getBlob(DESCRIPTOR, { signal }));
  assert.deepEqual(new Uint8Array(bytes), BLOB);
};
const upload = (options: { reopen?: typeof reopen; chunkSize?: number } = {}): Action => async (repository, signal) => {
  await repository.putBlob(DESCRIPTOR, pieces(), { ...options, signal });
  await download(repository, signal);
};
const readManifest: Action = async (repository, signal) => {
  assert.deepEqual((await repository.getManifest("1", { signal })).bytes, INDEX);
};
const writeManifest: Action = async (repository, signal) => {
  await repository.putManifest("2", INDEX, { signal });
  assert.deepEqual((await repository.getManifest("2", { signal })).bytes, INDEX);
};

function openDenoFetch(): FetchHandle {
  const client = Deno.createHttpClient({ http2: false });
  return { fetch: (request) => fetch(request, { client }), close: () => client.close() };
}

/** Does something with a registry, with connections of its own that must all be gone then. */
async function run(
  host: string,
  action: Action,
  code: string | undefined,
  open: () => FetchHandle = openDenoFetch,
): Promise<void> {
  const { fetch, close } = open();
  const repository = new RegistryClient(host, { insecure: true, fetch, timeouts: TIMEOUTS }).repository("app");
  try {
    // A stalled action ends with another error than the expected one.
    const acting = action(repository, AbortSignal.timeout(DEADLINE));
    if (code === undefined) await acting;
    else await assert.rejects(acting, { code });
  } finally {
    close();
  }
}

type Tamper = (request: Request, forward: () => Promise<Response>, count: number) => Response | Promise<Response>;

/** The embedded registry, with a blob and a manifest, behind a server that does to some requests what it is told. */
async function startTampered(which: (request: Request) => boolean, tamper: Tamper): Promise<TestRegistry> {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const direct = new RegistryClient("r.example", { fetch: registry.fetch }).repository("app");
  await direct.putBlob(DESCRIPTOR, pieces());
  await direct.putManifest("1", INDEX);
  let count = 0;
  return serve((request) =>
    which(request) ? tamper(request, () => registry.fetch(request), ++count) : registry.fetch(request)
  );
}

const isBlob = ({ method, url }: Request) => method === "GET" && url.includes("/blobs/sha256:");
const isManifest = ({ method, url }: Request) => method === "GET" && url.includes("/manifests/");
const isMethod = (wanted: string) => ({ method, url }: Request) => method === wanted && url.includes("/blobs/uploads/");

/** Sends so many bytes of a body, and then whatever `end` does. */
function cut(response: Response, bytes: number, end: "close" | "stall"): Response {
  const reader = response.body!.getReader();
  let left = bytes;
  const body = new ReadableStream({
    async pull(controller) {
      if (left <= 0) return end === "close" ? controller.close() : await new Promise(() => {});
      const { value } = await reader.read();
      if (!value) return controller.close();
      controller.enqueue(value.subarray(0, left));
      left -= value.length;
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return new Response(body, { status: response.status, headers: response.headers });
}

const to = (status: number, location?: string) =>
  new Response(null, { status, ...(location === undefined ? {} : { headers: { location } }) });
const edit = async (answer: Promise<Response>, change: (headers: Headers) => void) => {
  const response = await answer;
  change(response.headers);
  return response;
};
const page = (status = 200) =>
  new Response("<html><title>Sign in</title></html>", { status, headers: { "content-type": "text/html" } });
const seen = new Set<string>();

const cases: [
  name: string,
  which: (request: Request) => boolean,
  tamper: Tamper,
  action: Action,
  code?: string,
][] = [
  [
    "a body breaks off",
    isBlob,
    async (_, next, i) => i === 1 ? cut(await next(), 1_000_000, "close") : next(),
    download,
  ],
  ["every body breaks off", isBlob, async (_, next) => cut(await next(), 1_100_000, "close"), download],
  ["every body breaks off at once", isBlob, async (_, next) => cut(await next(), 10, "close"), download, "NETWORK"],
  [
    "a body stands still",
    isBlob,
    async (_, next, i) => i === 1 ? cut(await next(), 1_000_000, "stall") : next(),
    download,
  ],
  ["every body stands still", isBlob, async (_, next) => cut(await next(), 10, "stall"), download, "NETWORK"],
  ["no answer comes", isBlob, async (request, next, i) => {
    if (i === 1) await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    return await next();
  }, download],
  ["a body is too long", isBlob, () => new Response(new Uint8Array(SIZE + 1)), download, "SIZE_MISMATCH"],
  [
    "a body without an end",
    isBlob,
    () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) })),
    download,
    "SIZE_MISMATCH",
  ],
  ["a wrong byte", isBlob, () => new Response(BLOB.with(SIZE - 1, 1)), download, "DIGEST_MISMATCH"],
  ["another length is announced", isBlob, () => new Response(BLOB.slice(1)), download, "SIZE_MISMATCH"],
  [
    "gzip, though nobody asked",
    isBlob,
    () => new Response(new Uint8Array(gzipSync(BLOB)), { headers: { "content-encoding": "gzip" } }),
    download,
  ],
  [
    "called gzip, but as it should be",
    isBlob,
    () => new Response(BLOB, { headers: { "content-encoding": "gzip" } }),
    download,
  ],
  [
    "ranges are ignored",
    isBlob,
    (_, __, i) =>
      i === 1
        ? cut(new Response(BLOB, { headers: { "content-length": `${SIZE}` } }), 500, "close")
        : new Response(BLOB),
    download,
  ],
  [
    "another range",
    isBlob,
    async (_, next, i) =>
      i === 2
        ? new Response(BLOB.slice(0, 10), { status: 206, headers: { "content-range": `bytes 0-9/${SIZE}` } })
        : i === 1
        ? cut(await next(), 500, "close")
        : next(),
    download,
  ],
  [
    "416 for the rest",
    isBlob,
    async (_, next, i) =>
      i === 2 ? new Response("", { status: 416 }) : i === 1 ? cut(await next(), 500, "close") : next(),
    download,
  ],
  ["a redirect in a circle", isBlob, (request) => to(307, request.url), download, "REGISTRY_ERROR"],
  ["a redirect to nowhere", isBlob, () => to(307), download, "REGISTRY_ERROR"],
  ["a redirect to a file URL", isBlob, () => to(302, "file:///etc/passwd"), download, "REGISTRY_ERROR"],
  [
    "a redirect within the registry",
    isBlob,
    (request, next) => request.url.includes("?signed") ? next() : to(307, "?signed=a%2Fb~c"),
    download,
  ],
  [
    "a redirect of what is written",
    (request) => request.method === "PUT",
    () => to(307, "/elsewhere"),
    writeManifest,
    "REGISTRY_ERROR",
  ],
  ["a web page for 404", isManifest, () => page(404), readManifest, "NOT_FOUND"],
  ["a web page for a manifest", isManifest, () => page(), readManifest, "REGISTRY_ERROR"],
  [
    "a web page for everything that is written",
    ({ url }) => url.includes("/manifests/"),
    () => page(),
    writeManifest,
    "REGISTRY_ERROR",
  ],
  [
    "a manifest without an end",
    isManifest,
    () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) })),
    readManifest,
    "LIMIT_EXCEEDED",
  ],
  [
    "a manifest of another digest",
    isManifest,
    (_, next) => edit(next(), (headers) => headers.set("docker-content-digest", DESCRIPTOR.digest)),
    readManifest,
    "DIGEST_MISMATCH",
  ],
  [
    "a digest that is none",
    isManifest,
    (_, next) => edit(next(), (headers) => headers.set("docker-content-digest", "md5:x")),
    readManifest,
  ],
  [
    "a manifest that breaks off",
    isManifest,
    async (_, next, i) => i < 3 ? cut(await next(), 5, "close") : next(),
    readManifest,
  ],
  [
    "a manifest as gzip",
    isManifest,
    () => new Response(new Uint8Array(gzipSync(INDEX)), { headers: { "content-encoding": "gzip" } }),
    readManifest,
  ],
  ["a gateway's trouble", isManifest, (_, next, i) => i < 3 ? page(503) : next(), readManifest],
  ["a gateway's trouble without an end", isManifest, () => page(503), readManifest, "REGISTRY_ERROR"],
  ["a storm of 429", ({ url }) => url.includes("/v2/app/"), (request, next) => {
    const known = seen.has(request.url);
    seen.add(request.url);
    return known ? next() : new Response("", { status: 429, headers: { "retry-after": "0" } });
  }, async (repository, signal) => {
    const listing = Array.from({ length: 40 }, (_, i) => repository.headManifest(`${i}`, { signal }));
    assert.equal((await Promise.all(listing)).filter(Boolean).length, 1);
  }],
  [
    "a storm of 429 without an end",
    isManifest,
    () => new Response("", { status: 429, headers: { "retry-after": "0" } }),
    readManifest,
    "TOO_MANY_REQUESTS",
  ],
  [
    "an invalid retry-after",
    isManifest,
    (_, next, i) => i === 1 ? new Response("", { status: 429, headers: { "retry-after": "-5 minutes" } }) : next(),
    readManifest,
  ],
  [
    "no location for a session",
    isMethod("POST"),
    (_, next) => edit(next(), (h) => h.delete("location")),
    upload(),
    "REGISTRY_ERROR",
  ],
  ["no location after the bytes", isMethod("PATCH"), (_, next) => edit(next(), (h) => h.delete("location")), upload()],
  [
    "a location with a query",
    isMethod("POST"),
    (_, next) => edit(next(), (h) => h.set("location", `${h.get("location")}?_state=a%2Fb~+c%20d==`)),
    upload(),
  ],
  [
    "a location without a scheme",
    isMethod("POST"),
    (request, next) => edit(next(), (h) => h.set("location", `//${new URL(request.url).host}${h.get("location")}`)),
    upload(),
  ],
  [
    "a location without the port",
    isMethod("POST"),
    (_, next) => edit(next(), (h) => h.set("location", `http://127.0.0.1${h.get("location")}`)),
    upload(),
  ],
  [
    "success of another kind",
    ({ method, url }) => ["PATCH", "PUT"].includes(method) && url.includes("/uploads/"),
    async (request, next) => {
      const { headers } = await next();
      return new Response(null, { status: request.method === "PUT" ? 200 : 204, headers });
    },
    upload(),
  ],
  [
    "an upload is too large",
    isMethod("PATCH"),
    async (request) => {
      await readSome(request);
      return new Response('{"errors":[{"code":"SIZE_INVALID"}]}', { status: 413 });
    },
    upload({ reopen }),
    "REGISTRY_ERROR",
  ],
  ["a token expires in mid-upload", isMethod("PATCH"), async (request, next, i) => {
    if (i > 1) return await next();
    await readSome(request);
    return new Response("", { status: 401 });
  }, upload({ reopen })],
  [
    "a token expires in mid-upload, and there is but one source",
    isMethod("PATCH"),
    () => new Response("", { status: 401 }),
    upload(),
    "UNAUTHORIZED",
  ],
  [
    "a session is forgotten",
    isMethod("PATCH"),
    (_, next, i) => i === 1 ? new Response("", { status: 404 }) : next(),
    upload({ reopen }),
  ],
  [
    "chunks are refused",
    isMethod("PATCH"),
    (request, next) => request.headers.has("content-range") ? new Response("", { status: 405 }) : next(),
    upload({ reopen, chunkSize: 1_000_000 }),
  ],
  ["sessions are refused", isMethod("POST"), () => page(403), upload(), "DENIED"],
];

for (const [name, which, tamper, action, code] of cases) {
  Deno.test(`registry fault: ${name}: ${code ?? "no error"}`, async () => {
    await using registry = await startTampered(which, tamper);
    await run(registry.host, action, code);
  });
}

Deno.test("registry fault: a redirect to another host, which gets no credentials: no error", async () => {
  const seen: (string | null)[] = [];
  await using storage = serve((request) => {
    seen.push(request.headers.get("authorization"));
    return new Response(BLOB);
  });
  const registry = createRegistry({
    storage: createMemoryStorage(),
    access: { scheme: "basic", users: { me: "secret" } },
  });
  await using server = serve(async (request) => {
    const response = await registry.fetch(request);
    if (!isBlob(request) || response.status === 401) return response;
    await response.body?.cancel();
    return to(307, `http://${storage.host}/blob?signed`);
  });
  const credentials = { username: "me", password: "secret" };
  const repository = new RegistryClient(server.host, { insecure: true, credentials }).repository("app");
  await download(repository, AbortSignal.timeout(DEADLINE));
  assert.deepEqual(seen, [null]);
});

const answer = (head: string, headers: string[], body: string) =>
  head.startsWith("GET /v2/ ") ? "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" : [
    "HTTP/1.1 200 OK",
    "connection: close",
    ...headers,
    "",
    body,
  ].join("\r\n");
const TEXT = encode("0123456789");
const SMALL = { mediaType: "m", digest: digestOf(TEXT), size: TEXT.length };
const readSmall: Action = async (repository, signal) => {
  assert.deepEqual(
    new Uint8Array(await toArrayBuffer(await repository.getBlob(SMALL, { signal }))),
    new Uint8Array(TEXT),
  );
};

const raw: [name: string, headers: string[], body: string, code?: string][] = [
  ["as it should be", ["content-length: 10"], "0123456789"],
  ["more than was announced", ["content-length: 10"], "0123456789 and more"],
  ["two lengths", ["content-length: 10", "content-length: 11"], "0123456789", "NETWORK"],
  ["a length below nothing", ["content-length: -1"], "0123456789", "NETWORK"],
  ["no length, and too little", [], "01234", "NETWORK"],
  ["no length, and too much", [], "0123456789 and more", "SIZE_MISMATCH"],
  ["broken chunks", ["transfer-encoding: chunked"], "5\r\n01234\r\nzz\r\n", "NETWORK"],
  ["headers without an end", Array.from({ length: 200 }, (_, i) => `x-${i}: ${"y".repeat(100)}`), "", "NETWORK"],
];

for (const [name, headers, body, code] of raw) {
  for (const [backend, open] of [["fetch", openDenoFetch], ["node:http", openNodeFetch]] as const) {
    Deno.test(`registry fault: on the wire, over ${backend}: ${name}: ${code ?? "no error"}`, async () => {
      await using server = startRaw((head) => answer(head, headers, body));
      await run(server.host, readSmall, code, open);
    });
  }
}

const lines = (pattern: RegExp, fault: RelayFault, times = 1) => {
  let left = times;
  return (line: string) => pattern.test(line) && left-- > 0 ? fault : undefined;
};
const GET = /^GET \/v2\/app\/blobs\/sha256/, PATCH = /^PATCH /, PUT_INDEX = /^PUT \/v2\/app\/manifests/;

const relayed: [name: string, decide: () => (line: string) => RelayFault | undefined, action: Action, code?: string][] =
  [
    ["nothing", () => () => undefined, upload()],
    ["a download is reset", () => lines(GET, { way: "down", after: 1_000_000, then: "close" }), download],
    ["a download stands still", () => lines(GET, { way: "down", after: 1_000_000, then: "stall" }), download],
    ["every download is reset", () => lines(GET, { way: "down", after: 1_200_000, then: "close" }, 9), download],
    ["an upload is reset", () => lines(PATCH, { way: "up", after: 1_000_000, then: "close" }), upload({ reopen })],
    [
      "an upload is reset, and there is but one source",
      () => lines(PATCH, { way: "up", after: 1_000_000, then: "close" }),
      upload(),
      "NETWORK",
    ],
    ["an upload is not taken", () => lines(PATCH, { way: "up", after: 100_000, then: "block" }), upload({ reopen })],
    ["an upload gets no answer", () => lines(PATCH, { way: "up", after: 100_000, then: "stall" }), upload({ reopen })],
    ["a chunk is reset", () => {
      let chunks = 0;
      return (line) => PATCH.test(line) && ++chunks === 2 ? { way: "up", after: 400_000, then: "close" } : undefined;
    }, upload({ reopen, chunkSize: 1_000_000 })],
    [
      "the answer to a manifest is lost",
      () => lines(PUT_INDEX, { way: "down", after: 0, then: "close" }),
      writeManifest,
    ],
  ];

for (const [backend, open] of [["fetch", openDenoFetch], ["node:http", openNodeFetch]] as const) {
  const title = `registry fault: docker-registry behind connections that break, over ${backend}`;
  peerTest(title, ["docker-registry"], async (t) => {
    await using registry = await startDockerRegistry();
    const direct = new RegistryClient(registry.host, { insecure: true }).repository("app");
    for (const [name, decide, action, code] of relayed) {
      await t.step(`${name}: ${code ?? "no error"}`, async () => {
        await registry.reset();
        if (action === download) await direct.putBlob(DESCRIPTOR, pieces());
        await using relay = startRelay(registry.host, decide());
        await run(relay.host, action, code, open);
        assert.equal(relay.faults > 0, name !== "nothing");
      });
    }
  });
}
