/** Interrupted uploads: the next requests, and the result. */
import assert from "node:assert/strict";
import { toArrayBuffer } from "@std/streams";
import { type Fetch, type PutBlobOptions, RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Descriptor, digestOf, UNKNOWN_SIZE } from "../../src/spec/room.ts";
import { toStream } from "../../src/internal/room.ts";

const SIZE = 3_000_000;
const BLOB = new Uint8Array(SIZE).map((_, i) => i * 7 + (i >> 10));
const DESCRIPTOR: Descriptor = { mediaType: "m", digest: digestOf(BLOB), size: SIZE };
const CHUNK = 1_000_000;

/** Returns a stream of chunks of 64 KiB, like that of a file. */
function pieces(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += 65_536));
    },
  });
}

const reopen = (offset: number) => Promise.resolve(pieces(BLOB.slice(offset)));

type Tamper = (request: Request, forward: (request?: Request) => Promise<Response>, count: number) => Promise<Response>;

/** A registry in this process whose responses to one method can be changed. */
function tampered(method: string, tamper: Tamper) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const log: string[] = [];
  let count = 0;
  const fetch: Fetch = async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.includes("/blobs/uploads/")) {
      log.push(`${request.method} ${request.headers.get("content-range") ?? ""}`.trim());
    }
    const forward = (other = request) => registry.fetch(other);
    if (request.method !== method || !pathname.includes("/blobs/uploads/")) return await forward();
    return await tamper(request, forward, ++count);
  };
  const client = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1, uploadTimeout: 300 } });
  return { repository: client.repository("app"), log };
}

/** Lets some bytes of a request arrive, then breaks the connection. */
async function breakAfter(
  request: Request,
  forward: (request: Request) => Promise<Response>,
  bytes: number,
): Promise<Response> {
  const reader = request.body!.getReader();
  let left = bytes;
  const body = new ReadableStream({
    async pull(controller) {
      const { value } = left > 0 ? await reader.read() : { value: undefined };
      if (!value) return controller.error(new TypeError("connection reset"));
      controller.enqueue(value.subarray(0, left));
      left -= value.length;
    },
  });
  await forward(new Request(request.url, { method: request.method, headers: request.headers, body }));
  await reader.cancel();
  throw new TypeError("connection closed before message completed");
}

async function assertThere(repository: ReturnType<RegistryClient["repository"]>) {
  assert.deepEqual(new Uint8Array(await toArrayBuffer(await repository.getBlob(DESCRIPTOR))), BLOB);
}

const refused = (status: number, headers = {}) => Promise.resolve(new Response("", { status, headers }));
const withHeader = async (answer: Promise<Response>, name: string, value: string) => {
  const response = await answer;
  response.headers.set(name, value);
  return response;
};

const successes: [
  name: string,
  method: string,
  tamper: Tamper,
  options: PutBlobOptions,
  log: string[],
][] = [
  ["one request", "PATCH", (_, forward) => forward(), {}, ["POST", "PATCH", "PUT"]],
  [
    "one request breaks, the rest is sent",
    "PATCH",
    (r, forward, count) => count === 1 ? breakAfter(r, forward, 1_500_000) : forward(),
    { reopen },
    ["POST", "PATCH", "GET", "PATCH", "PUT"],
  ],
  [
    "one request breaks again and again, but gets on",
    "PATCH",
    (r, forward, count) => count < 3 ? breakAfter(r, forward, 1_100_000) : forward(),
    { reopen },
    ["POST", "PATCH", "GET", "PATCH", "GET", "PATCH", "PUT"],
  ],
  [
    "the registry answers as soon as it has all bytes",
    "PATCH",
    async (r, forward) => {
      const parts: BlobPart[] = [];
      const reader = r.body!.getReader();
      for (let left = SIZE; left > 0;) {
        const { value } = await reader.read();
        parts.push(value!);
        left -= value!.length;
      }
      return await forward(new Request(r.url, { method: "PATCH", body: new Blob(parts) }));
    },
    {},
    ["POST", "PATCH", "PUT"],
  ],
  [
    "all bytes arrive, but not the answer",
    "PATCH",
    async (_, forward) => {
      await forward();
      throw new TypeError("connection closed before message completed");
    },
    { reopen: () => assert.fail("no byte is missing") },
    ["POST", "PATCH", "GET", "PUT"],
  ],
  [
    "the session reports more bytes than the blob has",
    "PATCH",
    async (r, forward, count) => {
      if (count > 1) return await forward();
      await forward(new Request(r.url, { method: "PATCH", body: new Uint8Array(SIZE + 1) }));
      return await refused(503);
    },
    { reopen },
    ["POST", "PATCH", "GET", "DELETE", "POST", "PATCH", "PUT"],
  ],
  [
    "the token expires while it is sent",
    "PATCH",
    (_, forward, count) => count === 1 ? refused(401) : forward(),
    { reopen },
    ["POST", "PATCH", "GET", "PATCH", "PUT"],
  ],
  [
    "the session is lost",
    "PATCH",
    async (r, forward, count) => {
      if (count > 1) return await forward();
      await forward(new Request(r.url, { method: "DELETE" }));
      return await refused(404);
    },
    { reopen },
    ["POST", "PATCH", "GET", "POST", "PATCH", "PUT"],
  ],
  [
    "less arrived than was sent, which the registry says with success",
    "PATCH",
    async (r, forward, count) => {
      if (count > 1) return await forward();
      const some = (await r.bytes()).slice(0, 1_000);
      return await forward(new Request(r.url, { method: "PATCH", body: some }));
    },
    { reopen },
    ["POST", "PATCH", "GET", "PATCH", "PUT"],
  ],
  [
    "in chunks",
    "PATCH",
    (_, forward) => forward(),
    { chunkSize: CHUNK },
    ["POST", "PATCH 0-999999", "PATCH 1000000-1999999", "PATCH 2000000-2999999", "PUT"],
  ],
  [
    "in chunks as small as the registry takes",
    "POST",
    (_, forward) => withHeader(forward(), "oci-chunk-min-length", "2000000"),
    { chunkSize: CHUNK },
    ["POST", "PATCH 0-1999999", "PATCH 2000000-2999999", "PUT"],
  ],
  [
    "a registry that speaks of chunks gets chunks",
    "POST",
    (_, forward) => withHeader(forward(), "oci-chunk-min-length", "1"),
    {},
    ["POST", "PATCH 0-2999999", "PUT"],
  ],
  [
    "a registry that requires chunks too large for memory gets the blob in one request",
    "POST",
    (_, forward) => withHeader(forward(), "oci-chunk-min-length", "1000000000"),
    {},
    ["POST", "PATCH", "PUT"],
  ],
  [
    "a chunk breaks, its rest is sent",
    "PATCH",
    (r, forward, count) => count === 2 ? breakAfter(r, forward, 400_000) : forward(),
    { chunkSize: CHUNK },
    [
      "POST",
      "PATCH 0-999999",
      "PATCH 1000000-1999999",
      "GET",
      "PATCH 1400000-1999999",
      "PATCH 2000000-2999999",
      "PUT",
    ],
  ],
  [
    "a chunk arrives, but not its answer",
    "PATCH",
    async (_, forward, count) => {
      await forward();
      if (count === 2) throw new TypeError("connection closed before message completed");
      return await refused(202);
    },
    { chunkSize: CHUNK },
    ["POST", "PATCH 0-999999", "PATCH 1000000-1999999", "GET", "PATCH 2000000-2999999", "PUT"],
  ],
  [
    "a chunk is out of order",
    "PATCH",
    (_, forward, count) => count === 2 ? refused(416) : forward(),
    { chunkSize: CHUNK },
    [
      "POST",
      "PATCH 0-999999",
      "PATCH 1000000-1999999",
      "GET",
      "PATCH 1000000-1999999",
      "PATCH 2000000-2999999",
      "PUT",
    ],
  ],
  [
    "a chunk is taken for the whole",
    "PATCH",
    async (_, forward, count) => count === 1 ? await refused(201) : await forward(),
    { chunkSize: CHUNK },
    ["POST", "PATCH 0-999999", "DELETE", "POST", "PATCH", "PUT"],
  ],
  [
    "chunks are refused, the whole is not",
    "PATCH",
    (r, forward) =>
      r.headers.has("content-range") && !r.headers.get("content-range")!.startsWith("0-") ? refused(405) : forward(),
    { chunkSize: CHUNK, reopen },
    ["POST", "PATCH 0-999999", "PATCH 1000000-1999999", "DELETE", "POST", "PATCH", "PUT"],
  ],
  [
    "a registry that is busy takes the same chunk later",
    "PATCH",
    (_, forward, count) => count === 2 ? refused(429, { "retry-after": "0" }) : forward(),
    { chunkSize: 2 * CHUNK },
    ["POST", "PATCH 0-1999999", "PATCH 2000000-2999999", "PATCH 2000000-2999999", "PUT"],
  ],
  [
    "a session that cannot be opened at once",
    "POST",
    (_, forward, count) => count === 1 ? refused(503) : forward(),
    {},
    ["POST", "POST", "PATCH", "PUT"],
  ],
  [
    "locations are relative, without a port, on http",
    "POST",
    async (_, forward) => {
      const response = await forward();
      const { pathname } = new URL(response.headers.get("location")!, "http://r.example");
      return await withHeader(Promise.resolve(response), "location", `http://u:p@r.example${pathname}?_state=a%2Fb~+c`);
    },
    {},
    ["POST", "PATCH", "PUT"],
  ],
  [
    "the closing answer is lost",
    "PUT",
    async (_, forward) => {
      await forward();
      throw new TypeError("connection closed before message completed");
    },
    {},
    ["POST", "PATCH", "PUT"],
  ],
];

for (const [name, method, tamper, options, expected] of successes) {
  Deno.test(`an upload arrives: ${name}`, async () => {
    const { repository, log } = tampered(method, tamper);
    await repository.putBlob(DESCRIPTOR, pieces(BLOB), options);
    assert.deepEqual(log, expected);
    await assertThere(repository);
  });
}

const failures: [name: string, method: string, tamper: Tamper, options: PutBlobOptions, code: string][] = [
  ["it breaks, and cannot be read again", "PATCH", (r, forward) => breakAfter(r, forward, 1_000), {}, "NETWORK"],
  ["it makes no progress", "PATCH", (r, forward) => breakAfter(r, forward, 0), { reopen }, "NETWORK"],
  ["a chunk makes no progress", "PATCH", (r, forward) => breakAfter(r, forward, 0), { chunkSize: CHUNK }, "NETWORK"],
  ["it is too large", "PATCH", () => refused(413), { reopen }, "REGISTRY_ERROR"],
  ["no location", "POST", () => refused(202), {}, "REGISTRY_ERROR"],
  [
    "a location in our own network",
    "POST",
    () => refused(202, { location: "https://10.0.0.1/x" }),
    {},
    "REGISTRY_ERROR",
  ],
  [
    "it is not read",
    "PATCH",
    (r) => new Promise((_, reject) => r.signal.addEventListener("abort", () => reject(r.signal.reason))),
    {},
    "NETWORK",
  ],
  [
    "the registry says another digest",
    "PUT",
    () => refused(201, { "docker-content-digest": `sha256:${"0".repeat(64)}` }),
    {},
    "DIGEST_MISMATCH",
  ],
  [
    "chunks get lost",
    "PATCH",
    async (r, forward, count) => {
      if (count === 2) await forward(new Request(r.url, { method: "DELETE" }));
      return await forward();
    },
    { chunkSize: CHUNK },
    "REGISTRY_ERROR",
  ],
  [
    "a chunk counts twice",
    "PATCH",
    async (r, forward) => {
      const bytes = await r.bytes();
      await forward(new Request(r.url, { method: "PATCH", body: bytes }));
      return await forward(new Request(r.url, { method: "PATCH", body: bytes }));
    },
    { chunkSize: CHUNK },
    "REGISTRY_ERROR",
  ],
  ["a session that nobody may open", "POST", () => refused(403), {}, "DENIED"],
];

for (const [name, method, tamper, options, code] of failures) {
  Deno.test(`an upload fails, and gives its source back: ${name}`, async () => {
    const { repository } = tampered(method, tamper);
    let open = 0;
    const counted = (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
      open++;
      const reader = stream.getReader();
      return new ReadableStream<Uint8Array<ArrayBuffer>>({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          open--;
          controller.close();
        },
        cancel: () => void open--,
      });
    };
    const again = options.reopen && { reopen: async (offset: number) => counted(await reopen(offset)) };
    await assert.rejects(repository.putBlob(DESCRIPTOR, counted(pieces(BLOB)), { ...options, ...again }), { code });
    assert.equal(open, 0);
    assert.equal(await repository.headBlob(DESCRIPTOR.digest), undefined);
  });
}

Deno.test("an upload that breaks while its source has no bytes is resumed", async () => {
  for (const size of [SIZE, UNKNOWN_SIZE]) {
    const waits = Promise.withResolvers<void>();
    const { repository, log } = tampered("PATCH", async (r, forward, count) => {
      if (count > 1) return await forward();
      const reader = r.body!.getReader();
      await reader.read();
      reader.read().catch(() => {});
      await waits.promise;
      return await refused(503);
    });
    let sent = false;
    const slow = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (!sent) controller.enqueue(BLOB.slice(0, 65_536));
        else waits.resolve();
        const wait = sent;
        sent = true;
        return wait ? new Promise(() => {}) : undefined;
      },
    }, { highWaterMark: 0 });
    await repository.putBlob({ ...DESCRIPTOR, size }, slow, { reopen });
    assert.deepEqual(log, ["POST", "PATCH", "GET", "PATCH", "PUT"]);
    await assertThere(repository);
  }
});

Deno.test("bytes that are sent again are verified too, each once", async () => {
  for (const size of [SIZE, UNKNOWN_SIZE]) {
    const wrong = BLOB.slice();
    wrong[2_500_000]! ^= 1;
    const { repository, log } = tampered(
      "PATCH",
      (r, forward, count) => count === 1 ? breakAfter(r, forward, 1_500_000) : forward(),
    );
    const reopen = (offset: number) => Promise.resolve(pieces(wrong.slice(offset)));
    await assert.rejects(repository.putBlob({ ...DESCRIPTOR, size }, pieces(BLOB), { reopen }), {
      code: "DIGEST_MISMATCH",
    });
    assert.ok(!log.includes("PUT"));
  }
});

Deno.test("a small blob is sent with the closing request, or before it if that is rejected", async () => {
  const bytes = BLOB.slice(0, 1000);
  const small = { mediaType: "m", digest: digestOf(bytes), size: bytes.length };
  const { repository, log } = tampered(
    "PUT",
    async (r, forward) => (await r.clone().bytes()).length > 0 ? await refused(405) : await forward(),
  );
  await repository.putBlob(small, toStream(bytes));
  assert.deepEqual(log, ["POST", "PUT", "DELETE", "POST", "PATCH", "PUT"]);
  assert.equal(await repository.headBlob(small.digest), 1000);
});

Deno.test("a digest algorithm other than SHA-256 is announced when the session is opened", async () => {
  const searches: string[] = [];
  const { repository } = tampered("POST", (request, forward) => {
    searches.push(new URL(request.url).search);
    return forward();
  });
  for (const algorithm of ["sha256", "sha512"] as const) {
    const digest = digestOf(BLOB, algorithm);
    await repository.putBlob({ ...DESCRIPTOR, digest }, pieces(BLOB));
    assert.equal(await repository.headBlob(digest), SIZE);
  }
  assert.deepEqual(searches, ["", "?digest-algorithm=sha512"]);
});

Deno.test("the length of chunks must be a positive integer", async () => {
  const { repository, log } = tampered("POST", (_, forward) => forward());
  for (const chunkSize of [0, -1, 0.5, NaN]) {
    await assert.rejects(repository.putBlob(DESCRIPTOR, pieces(BLOB), { chunkSize }), RangeError);
  }
  assert.deepEqual(log, []);
});
