/** Interrupted downloads: the next requests, and the result. */
import assert from "node:assert/strict";
import { toArrayBuffer } from "@std/streams";
import { gzipSync } from "node:zlib";
import { abortable } from "../../src/internal/room.ts";
import { getUnverifiedBlob, RegistryClient } from "../../src/registry/room.ts";
import { digestOf, UNKNOWN_SIZE } from "../../src/spec/room.ts";

const BLOB = new Uint8Array(1000).map((_, i) => i * 7);
const DESCRIPTOR = { mediaType: "m", digest: digestOf(BLOB), size: BLOB.length };

/** A response that ends with a broken connection after some bytes. */
function broken(bytes: Uint8Array<ArrayBuffer>): ReadableStream {
  let sent = false;
  return new ReadableStream({
    pull(controller) {
      // The error of `fetch`.
      if (sent) controller.error(new TypeError("error reading a body from connection"));
      else controller.enqueue(bytes);
      sent = true;
    },
  }, { highWaterMark: 0 });
}

const whole = (init: Record<string, string> = {}) =>
  new Response(BLOB, { headers: { "content-length": `${BLOB.length}`, ...init } });
const breaksAt = (end: number, start = 0) =>
  new Response(broken(BLOB.subarray(start, end)), {
    status: start > 0 ? 206 : 200,
    headers: {
      "content-length": `${BLOB.length - start}`,
      ...(start > 0 ? { "content-range": `bytes ${start}-999/1000` } : {}),
    },
  });
const part = (start: number, end: number, contentRange: string | null = `bytes ${start}-${end - 1}/1000`) =>
  new Response(BLOB.subarray(start, end), {
    status: 206,
    headers: { ...(contentRange === null ? {} : { "content-range": contentRange }) },
  });
const refuse = (status: number) => new Response("", { status });

/** A repository whose blob requests get the given responses in turn; the requested ranges are recorded. */
function scripted(...answers: ((request: Request) => Response | Promise<Response>)[]) {
  const ranges: (string | null)[] = [];
  const fetch = (request: Request): Promise<Response> => {
    if (request.url.endsWith("/v2/")) return Promise.resolve(new Response(""));
    ranges.push(request.headers.get("range"));
    const answer = answers[ranges.length - 1];
    assert.ok(answer, `an unexpected request: ${request.headers.get("range")}`);
    return Promise.resolve(answer(request));
  };
  const client = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 1, stallTimeout: 200 } });
  return { repository: client.repository("app"), ranges };
}

const read = async (stream: ReadableStream<Uint8Array>) => new Uint8Array(await toArrayBuffer(stream));

const successes: [name: string, answers: (() => Response)[], ranges: (string | null)[]][] = [
  ["whole", [whole], [null]],
  ["breaks, the rest by range", [() => breaksAt(300), () => part(300, 1000)], [null, "bytes=300-"]],
  ["breaks twice", [() => breaksAt(1), () => breaksAt(9, 1), () => part(9, 1000)], [null, "bytes=1-", "bytes=9-"]],
  ["breaks before the first byte", [() => breaksAt(0), () => part(0, 1000)], [null, "bytes=0-"]],
  ["breaks after the last byte", [() => breaksAt(1000)], [null]],
  ["breaks, ranges are ignored", [() => breaksAt(300), whole], [null, "bytes=300-"]],
  ["breaks, ranges are ignored, breaks", [() => breaksAt(300), () => breaksAt(200), () => part(300, 1000)], [
    null,
    "bytes=300-",
    "bytes=300-",
  ]],
  ["ends early without a length", [() => new Response(BLOB.subarray(0, 400)), () => part(400, 1000)], [
    null,
    "bytes=400-",
  ]],
  ["a proxy sends parts of its own size", [
    () => breaksAt(100),
    ...[100, 200, 300, 400, 500, 600, 700, 800, 900].map((at) => () => part(at, at + 100)),
  ], [null, ...[100, 200, 300, 400, 500, 600, 700, 800, 900].map((at) => `bytes=${at}-`)]],
  ["the size of the whole is not reported", [() => breaksAt(300), () => part(300, 1000, "bytes 300-999/*")], [
    null,
    "bytes=300-",
  ]],
  ["416: starts again", [() => breaksAt(300), () => refuse(416), whole], [null, "bytes=300-", null]],
  ["another range: starts again", [() => breaksAt(300), () => part(0, 1000), whole], [null, "bytes=300-", null]],
  ["no range: starts again", [() => breaksAt(300), () => part(300, 1000, null), whole], [null, "bytes=300-", null]],
  ["two ranges: starts again", [
    () => breaksAt(300),
    () => part(300, 1000, "bytes 300-999/1000, bytes 300-999/1000"),
    whole,
  ], [null, "bytes=300-", null]],
  ["another size: starts again", [() => breaksAt(300), () => part(300, 1000, "bytes 300-999/1001"), whole], [
    null,
    "bytes=300-",
    null,
  ]],
  ["the request for the rest fails once", [() => breaksAt(300), () => refuse(500), () => part(300, 1000)], [
    null,
    "bytes=300-",
    "bytes=300-",
  ]],
  ["gzip that was not requested", [
    () => new Response(new Uint8Array(gzipSync(BLOB)), { headers: { "content-encoding": "gzip" } }),
  ], [null]],
  ["declared as gzip, but not compressed", [() => whole({ "content-encoding": "gzip" })], [null]],
  ["the length is sent twice", [() => whole({ "content-length": "1000, 1000" })], [null]],
];

for (const [name, answers, ranges] of successes) {
  Deno.test(`a download arrives: ${name}`, async () => {
    const script = scripted(...answers);
    assert.deepEqual(await read(await script.repository.getBlob(DESCRIPTOR)), BLOB);
    assert.deepEqual(script.ranges, ranges);
  });
}

const failures: [name: string, answers: (() => Response)[], code: string][] = [
  ["it makes no progress", [300, 300, 300, 300].map((at, i) => () => breaksAt(at, i ? 300 : 0)), "NETWORK"],
  ["the rest is rejected", [() => breaksAt(300), () => refuse(403)], "DENIED"],
  ["the rest is gone", [() => breaksAt(300), () => refuse(404)], "NOT_FOUND"],
  ["the rest has another byte", [
    () => breaksAt(300),
    () => new Response(new Uint8Array(700), { status: 206, headers: { "content-range": "bytes 300-999/1000" } }),
  ], "DIGEST_MISMATCH"],
  ["the whole has another length the second time", [
    () => breaksAt(300),
    () => new Response("", { headers: { "content-length": "999" } }),
  ], "SIZE_MISMATCH"],
  ["it is announced too short", [() => whole({ "content-length": "999" })], "SIZE_MISMATCH"],
  ["it is too long", [() => new Response(new Uint8Array(1001))], "SIZE_MISMATCH"],
  ["declared as gzip, but invalid", [
    () => new Response(BLOB, { headers: { "content-encoding": "gzip", "content-length": "999" } }),
  ], "REGISTRY_ERROR"],
];

for (const [name, answers, code] of failures) {
  Deno.test(`a download fails: ${name}`, async () => {
    const script = scripted(...answers);
    await assert.rejects(async () => await read(await script.repository.getBlob(DESCRIPTOR)), { code });
    assert.equal(script.ranges.length, answers.length);
  });
}

Deno.test("a download that stalls is resumed with another connection", async () => {
  let cancelled = 0;
  const stalls = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(BLOB.subarray(0, 500)),
        cancel: () => void cancelled++,
      }),
      { headers: { "content-length": "1000" } },
    );
  const { repository } = scripted(stalls, () => part(500, 1000));
  assert.deepEqual(await read(await repository.getBlob(DESCRIPTOR)), BLOB);
  assert.equal(cancelled, 1);
});

Deno.test("without a given size, the size that the registry announces is used", async () => {
  const { repository, ranges } = scripted(() => breaksAt(300), () => part(300, 1000));
  const { digest } = DESCRIPTOR;
  assert.deepEqual(await read(await getUnverifiedBlob(repository, digest, { size: UNKNOWN_SIZE })), BLOB);
  assert.equal(ranges.length, 2);
});

Deno.test("a cancel ends the request for the rest", async () => {
  const asked = Promise.withResolvers<void>();
  const never = ({ signal }: Request) => {
    asked.resolve();
    return abortable(new Promise<Response>(() => {}), signal);
  };
  const { repository } = scripted(() => breaksAt(300), never);
  const reader = (await getUnverifiedBlob(repository, DESCRIPTOR.digest)).getReader();
  await reader.read();
  const reading = reader.read();
  await asked.promise;
  await reader.cancel();
  assert.equal((await reading).done, true);
});

Deno.test("a foreign layer is read from its URLs without credentials, and not from private networks", async () => {
  const asked: [url: string, authorization: string | null][] = [];
  const fetch = (request: Request): Promise<Response> => {
    asked.push([request.url, request.headers.get("authorization")]);
    const { host } = new URL(request.url);
    if (host === "inward.example") {
      return Promise.resolve(new Response("", { status: 302, headers: { location: "http://[::ffff:10.0.0.1]/" } }));
    }
    if (host === "cdn.example") return Promise.resolve(breaksOnce());
    if (request.headers.get("authorization") === null) {
      return Promise.resolve(new Response("", { status: 401, headers: { "www-authenticate": "Basic" } }));
    }
    return Promise.resolve(new Response("", { status: request.url.endsWith("/v2/") ? 200 : 404 }));
  };
  let breaks = 0;
  const breaksOnce = () => breaks++ === 0 ? breaksAt(10) : part(10, 1000);
  const credentials = { username: "me", password: "secret" };
  const repository = new RegistryClient("r.example", { fetch, credentials }).repository("app");
  const urls = [
    "file:///etc/passwd",
    "http://localhost/x",
    "http://169.254.169.254/x",
    "http://inward.example/x",
    "http://me:pw@cdn.example/layer",
  ];
  assert.deepEqual(await read(await repository.getBlob({ ...DESCRIPTOR, urls })), BLOB);
  const elsewhere = asked.filter(([url]) => !url.startsWith("https://r.example/"));
  assert.deepEqual(elsewhere, [
    ["http://inward.example/x", null],
    ["http://cdn.example/layer", null],
    ["http://cdn.example/layer", null],
  ]);
  await assert.rejects(repository.getBlob({ ...DESCRIPTOR, urls: urls.slice(0, 3) }), { code: "DENIED" });
  await assert.rejects(repository.getBlob({ ...DESCRIPTOR, urls: urls.slice(0, 1) }), { code: "NOT_FOUND" });
});
