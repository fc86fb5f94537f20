/** Registries and proxies that limit the size of a request. */
import assert from "node:assert/strict";
import { toArrayBuffer } from "@std/streams";
import { toStream } from "../../src/internal/room.ts";
import { type Fetch, RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { describe } from "../support/images.ts";
import { serve } from "../support/registries.ts";

const LARGE = new Uint8Array(5_000_000).map((_, i) => i * 7 + (i >> 10));
const SMALL = LARGE.slice(0, 900_000);
const reopen = (offset: number) => Promise.resolve(toStream(LARGE.slice(offset)));

/** Number of bytes in a request's body, and whether it was sent with a length. */
interface Body {
  length: number;
  isStreamed: boolean;
}

/** A registry behind a proxy that may reject requests of an upload. */
function limited(refuse: (body: Body, request: Request) => Response | undefined, headers: HeadersInit = {}) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const log: string[] = [];
  const fetch: Fetch = async (request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.includes("/blobs/uploads/")) return await registry.fetch(request);
    const bytes = request.body ? await request.clone().bytes() : new Uint8Array();
    const isStreamed = request.method === "PATCH" && !request.headers.has("content-range");
    log.push(`${request.method}${bytes.length > 0 ? ` ${bytes.length}` : ""}${isStreamed ? " streamed" : ""}`);
    const refusal = refuse({ length: bytes.length, isStreamed }, request);
    if (refusal) return refusal;
    const response = await registry.fetch(request);
    for (const [name, value] of new Headers(headers)) response.headers.set(name, value);
    return response;
  };
  const client = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 0 } });
  return { repository: client.repository("app"), log };
}

async function assertStored(repository: ReturnType<RegistryClient["repository"]>, bytes: Uint8Array<ArrayBuffer>) {
  const stored = new Uint8Array(await toArrayBuffer(await repository.getBlob(describe("m", bytes))));
  assert.deepEqual(stored, bytes);
}

const tooLong = (most: number) => ({ length }: Body) =>
  length > most ? new Response("<html><title>413 Request Entity Too Large</title>", { status: 413 }) : undefined;
const needsLength = ({ isStreamed }: Body) => isStreamed ? new Response("", { status: 411 }) : undefined;

Deno.test("after a request that is too long, chunks are sent, which get shorter until they are accepted", async () => {
  const { repository, log } = limited(tooLong(1_200_000));
  await repository.putBlob(describe("m", LARGE), toStream(LARGE), { reopen });
  await assertStored(repository, LARGE);
  assert.deepEqual(log.slice(0, 5), ["POST", "PATCH 5000000 streamed", "DELETE", "POST", "PATCH 5000000"]);
  assert.ok(log.slice(6).every((line) => !/PATCH (1[3-9]|[2-9])\d{6}/.test(line)), log.join());
  // The next upload uses the limit that the first one has found out.
  log.length = 0;
  await repository.putBlob(describe("m", LARGE.slice(1)), toStream(LARGE.slice(1)), { reopen: undefined });
  assert.ok(log.filter((line) => line.startsWith("PATCH")).length >= 5);
  assert.equal(log.filter((line) => line === "POST").length, 1);
  await assertStored(repository, LARGE.slice(1));
});

Deno.test("a small blob that is too long for one request is sent in chunks", async () => {
  const { repository, log } = limited(tooLong(512_000));
  await repository.putBlob(describe("m", SMALL), toStream(SMALL));
  await assertStored(repository, SMALL);
  assert.deepEqual(log, ["POST", "PUT 900000", "DELETE", "POST", ...Array(4).fill("PATCH 225000"), "PUT"]);
});

Deno.test("chunks are sent if requests need a length", async () => {
  const { repository, log } = limited(needsLength);
  await repository.putBlob(describe("m", LARGE), toStream(LARGE), { reopen });
  await assertStored(repository, LARGE);
  assert.deepEqual(log, ["POST", "PATCH 5000000 streamed", "DELETE", "POST", "PATCH 5000000", "PUT"]);
});

Deno.test("chunks are sent if tokens expire before the upload ends", async () => {
  const { repository, log } = limited(({ length }) =>
    length > 2_000_000 ? new Response("", { status: 401 }) : undefined
  );
  await repository.putBlob(describe("m", LARGE), toStream(LARGE), { reopen });
  await assertStored(repository, LARGE);
  assert.equal(log.filter((line) => line.includes("streamed")).length, 2);
});

Deno.test("an upload that cannot be read again fails once, and the next one is sent in chunks", async () => {
  for (const refuse of [tooLong(1_500_000), needsLength]) {
    const { repository } = limited(refuse);
    const put = () => repository.putBlob(describe("m", LARGE), toStream(LARGE));
    await assert.rejects(put(), { code: "REGISTRY_ERROR", isTransient: true });
    await put();
    await assertStored(repository, LARGE);
  }
});

Deno.test("a registry that accepts no part of a blob fails with its own error", async () => {
  const { repository, log } = limited(tooLong(1_000));
  await assert.rejects(repository.putBlob(describe("m", LARGE), toStream(LARGE), { reopen }), {
    status: 413,
    message: /Request Entity Too Large/,
    isTransient: undefined,
  });
  assert.ok(log.length < 15, log.join());
  assert.equal(await repository.headBlob(describe("m", LARGE).digest), undefined);
});

Deno.test("requests are not longer than the maximum that the registry announces", async () => {
  const rows: [
    headers: Record<string, string>,
    blob: Uint8Array<ArrayBuffer>,
    chunkSize: number | undefined,
    log: string[],
  ][] = [
    [{ "oci-chunk-max-length": "2000000" }, LARGE, undefined, ["PATCH 2000000", "PATCH 2000000", "PATCH 1000000"]],
    [{ "oci-chunk-max-length": "2000000" }, LARGE, 4_000_000, ["PATCH 2000000", "PATCH 2000000", "PATCH 1000000"]],
    [{ "oci-chunk-max-length": "2000000" }, LARGE, 1_500_000, [
      "PATCH 1500000",
      "PATCH 1500000",
      "PATCH 1500000",
      "PATCH 500000",
    ]],
    [{ "oci-chunk-max-length": "600000" }, SMALL, undefined, ["PATCH 600000", "PATCH 300000"]],
    [{ "oci-chunk-max-length": "5000000" }, LARGE, undefined, ["PATCH 5000000 streamed"]],
    [
      { "oci-chunk-max-length": "3000000", "oci-chunk-min-length": "2500000" },
      LARGE,
      1_000_000,
      ["PATCH 2500000", "PATCH 2500000"],
    ],
    [{ "oci-chunk-max-length": "none" }, LARGE, undefined, ["PATCH 5000000 streamed"]],
  ];
  for (const [headers, blob, chunkSize, expected] of rows) {
    const { repository, log } = limited(() => undefined, headers);
    await repository.putBlob(describe("m", blob), toStream(blob), { chunkSize });
    await assertStored(repository, blob);
    assert.deepEqual(log, ["POST", ...expected, "PUT"]);
  }
});

Deno.test("a proxy with a limit, over a real connection", async () => {
  for (const reads of [true, false]) {
    const registry = createRegistry({ storage: createMemoryStorage() });
    await using proxy = serve(async (request) => {
      const length = request.headers.get("content-length");
      if (request.method !== "PATCH" || (length !== null && Number(length) <= 1_300_000)) {
        return registry.fetch(request);
      }
      if (reads) await request.bytes().catch(() => {});
      return new Response("", { status: length === null ? 411 : 413 });
    });
    const options = { insecure: true, timeouts: { retryDelay: 0 } };
    const repository = new RegistryClient(proxy.host, options).repository("app");
    await repository.putBlob(describe("m", LARGE), toStream(LARGE), { reopen });
    await assertStored(repository, LARGE);
  }
});
