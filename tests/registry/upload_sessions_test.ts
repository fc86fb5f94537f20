/** Upload sessions that report other bytes than they have. */
import assert from "node:assert/strict";
import { toArrayBuffer } from "@std/streams";
import { toStream } from "../../src/internal/room.ts";
import { type Fetch, RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { describe } from "../support/images.ts";

const SIZE = 6_000_000;
const BLOB = new Uint8Array(SIZE).map((_, i) => i * 7 + (i >> 10));
const DESCRIPTOR = describe("m", BLOB);
const reopen = (offset: number) => Promise.resolve(toStream(BLOB.slice(offset)));

/** Bytes of a session, and number of requests by method in all sessions. */
interface Seen {
  readonly count: (method: string) => number;
  /** Lets only some bytes of a `PATCH` arrive, then breaks the connection. */
  readonly breakAfter: (bytes: number) => Promise<Response>;
  /** Forgets the session, then breaks the connection. */
  readonly lose: () => Promise<Response>;
  /** Lets a request through. */
  readonly forward: () => Promise<Response>;
  /** Lets a request through, and replaces the `Range` of its answer; `null` removes it. */
  readonly report: (range: string | null) => Promise<Response>;
  /** Lets a request through, and changes the number of bytes that its answer reports. */
  readonly miscount: (change: number) => Promise<Response>;
}

type Tamper = (request: Request, seen: Seen) => Promise<Response>;

/** A registry whose responses to uploads can be changed. */
function tampered(tamper: Tamper) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const log: string[] = [];
  const fetch: Fetch = async (request) => {
    if (!new URL(request.url).pathname.includes("/blobs/uploads/")) return await registry.fetch(request);
    log.push(request.method);
    const report = async (range: string | null) => {
      const response = await registry.fetch(request);
      if (range === null) response.headers.delete("range");
      else response.headers.set("range", range);
      return response;
    };
    return await tamper(request, {
      count: (method) => log.filter((line) => line === method).length,
      breakAfter: async (bytes) => {
        const body = (await request.bytes()).slice(0, bytes);
        await registry.fetch(new Request(request.url, { method: "PATCH", body }));
        throw new TypeError("connection closed before message completed");
      },
      lose: async () => {
        await registry.fetch(new Request(request.url, { method: "DELETE" }));
        throw new TypeError("connection closed before message completed");
      },
      forward: () => registry.fetch(request),
      report,
      miscount: async (change) => {
        const response = await registry.fetch(request);
        const last = Number(response.headers.get("range")?.split("-")[1]);
        if (last > 0) response.headers.set("range", `0-${last + change}`);
        return response;
      },
    });
  };
  const client = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 0 } });
  return { repository: client.repository("app"), log };
}

const isFirstPatch: (request: Request, seen: Seen) => boolean = ({ method }, { count }) =>
  method === "PATCH" && count("PATCH") === 1;

const contradictions: [name: string, tamper: Tamper, chunkSize: number | undefined, sessions: number][] = [
  [
    "answers to PATCH report that request only",
    async (request, seen) => {
      if (isFirstPatch(request, seen)) return await seen.breakAfter(1_500_000);
      if (request.method !== "PATCH") return await seen.forward();
      const { length } = await request.clone().bytes();
      return await seen.report(`0-${length - 1}`);
    },
    undefined,
    1,
  ],
  [
    "answers to chunks report that request only",
    async (request, seen) => {
      if (request.method !== "PATCH") return await seen.forward();
      const { length } = await request.clone().bytes();
      return await seen.report(`0-${length - 1}`);
    },
    2_000_000,
    1,
  ],
  [
    "the session does not report what it has",
    (request, seen) => {
      if (isFirstPatch(request, seen)) return seen.breakAfter(1_500_000);
      return request.method === "GET" ? seen.report(null) : seen.forward();
    },
    undefined,
    2,
  ],
  [
    "the session reports a byte too many",
    (request, seen) => {
      if (isFirstPatch(request, seen)) return seen.breakAfter(1_500_000);
      return request.method === "GET" ? seen.miscount(1) : seen.forward();
    },
    undefined,
    2,
  ],
  [
    "the session reports a byte too few",
    (request, seen) => {
      if (isFirstPatch(request, seen)) return seen.breakAfter(1_500_000);
      return request.method === "GET" ? seen.miscount(-1) : seen.forward();
    },
    undefined,
    2,
  ],
  ["every response reports a byte too many", (_, seen) => seen.miscount(1), undefined, 1],
  ["every response reports a byte too few", (_, seen) => seen.miscount(-1), undefined, 2],
  ["every response to chunks reports a byte too many", (_, seen) => seen.miscount(1), 2_000_000, 2],
  ["every response to chunks reports a byte too few", (_, seen) => seen.miscount(-1), 2_000_000, 2],
  [
    "every response stays at the first bytes",
    (request, seen) => ["PATCH", "GET"].includes(request.method) ? seen.report("0-65535") : seen.forward(),
    undefined,
    2,
  ],
  [
    "every response stays at the first chunk",
    (request, seen) => ["PATCH", "GET"].includes(request.method) ? seen.report("0-1999999") : seen.forward(),
    2_000_000,
    2,
  ],
  [
    "a resumed upload ends with the wrong digest",
    (request, seen) => {
      if (isFirstPatch(request, seen)) return seen.breakAfter(1_500_000);
      const refuses = request.method === "PUT" && seen.count("PUT") === 1;
      return refuses ? Promise.resolve(invalid("DIGEST_INVALID")) : seen.forward();
    },
    undefined,
    2,
  ],
  [
    "a resumed upload ends with 500",
    (request, seen) => {
      if (isFirstPatch(request, seen)) return seen.breakAfter(1_500_000);
      const refuses = request.method === "PUT" && seen.count("PUT") === 1;
      return refuses ? Promise.resolve(new Response("", { status: 500 })) : seen.forward();
    },
    undefined,
    2,
  ],
  [
    "an upload ends with the wrong digest",
    (request, seen) =>
      request.method === "PUT" && seen.count("PUT") === 1 ? Promise.resolve(invalid("DIGEST_INVALID")) : seen.forward(),
    undefined,
    2,
  ],
  [
    "an upload is unknown at its end",
    (request, seen) =>
      request.method === "PUT" && seen.count("PUT") === 1
        ? Promise.resolve(invalid("BLOB_UPLOAD_UNKNOWN", 404))
        : seen.forward(),
    undefined,
    2,
  ],
  [
    "the connection breaks before a byte arrives, and an empty session reports one",
    (request, seen) => {
      if (isFirstPatch(request, seen)) return seen.breakAfter(0);
      return request.method === "GET" ? seen.report("0-0") : seen.forward();
    },
    undefined,
    1,
  ],
  ["every response has the range of an empty session", (_, seen) => seen.report("0-0"), undefined, 1],
  ["every response to chunks has the range of an empty session", (_, seen) => seen.report("0-0"), 2_000_000, 1],
  [
    "sessions are lost twice",
    async (request, seen) => {
      if (request.method !== "PATCH" || seen.count("PATCH") > 2) return await seen.forward();
      return await seen.lose();
    },
    undefined,
    3,
  ],
];

function invalid(code: string, status = 400): Response {
  return Response.json({ errors: [{ code }] }, { status });
}

for (const [name, tamper, chunkSize, sessions] of contradictions) {
  Deno.test(`an upload arrives although ${name}`, async () => {
    const { repository, log } = tampered(tamper);
    await repository.putBlob(DESCRIPTOR, toStream(BLOB), { reopen, chunkSize });
    assert.deepEqual(new Uint8Array(await toArrayBuffer(await repository.getBlob(DESCRIPTOR))), BLOB);
    assert.equal(log.filter((method) => method === "POST").length, sessions, log.join());
    // A session that the registry has forgotten is not cancelled.
    const abandoned = name.startsWith("sessions are lost") ? 0 : sessions - 1;
    assert.equal(log.filter((method) => method === "DELETE").length, abandoned, log.join());
    assert.ok(log.length <= 14, log.join());
  });
}

Deno.test("an upload fails if its progress goes back and forth", async () => {
  for (const chunkSize of [undefined, 4_000_000]) {
    const { repository, log } = tampered((request, seen) => {
      if (request.method === "PATCH") return seen.breakAfter(100_000);
      const arrived = seen.count("GET") % 2 === 0 ? 1_300_000 : 3_500_000;
      return request.method === "GET" ? seen.report(`0-${arrived - 1}`) : seen.forward();
    });
    await assert.rejects(repository.putBlob(DESCRIPTOR, toStream(BLOB), { reopen, chunkSize }), { code: "NETWORK" });
    assert.ok(log.length < 40, `${log.length}`);
  }
});

Deno.test("an upload is sent five times if all of its sessions are lost", async () => {
  const { repository, log } = tampered((request, seen) => request.method === "PATCH" ? seen.lose() : seen.forward());
  await assert.rejects(repository.putBlob(DESCRIPTOR, toStream(BLOB), { reopen }), { code: "REGISTRY_ERROR" });
  assert.equal(log.filter((method) => method === "POST").length, 5, log.join());
});

Deno.test("chunks that are answered by 404 do not prove that the registry refuses chunks", async () => {
  const { repository, log } = tampered((request, seen) =>
    request.headers.has("content-range") && seen.count("POST") === 1
      ? Promise.resolve(new Response("", { status: 404 }))
      : seen.forward()
  );
  const options = { reopen, chunkSize: 2_000_000 };
  await repository.putBlob(DESCRIPTOR, toStream(BLOB), options);
  const before = log.filter((method) => method === "PATCH").length;
  await repository.putBlob(DESCRIPTOR, toStream(BLOB), options);
  // Four attempts and one whole blob, then three chunks.
  assert.deepEqual([before, log.filter((method) => method === "PATCH").length], [5, 8]);
});

Deno.test("if the answer to the end of an upload is lost, and the blob cannot be looked for, its error is reported", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const fetch: Fetch = (request) => {
    if (request.method === "PUT") return Promise.reject(new TypeError("connection closed"));
    return request.method === "HEAD" || /blobs\/sha256/.test(request.url)
      ? Promise.resolve(new Response(null, { status: 403 }))
      : registry.fetch(request);
  };
  const repository = new RegistryClient("r.example", { fetch, timeouts: { retryDelay: 0 } }).repository("app");
  await assert.rejects(repository.putBlob(DESCRIPTOR, toStream(BLOB)), { code: "NETWORK" });
});

Deno.test("an upload whose digest is always rejected is repeated once", async () => {
  for (const blob of [BLOB, BLOB.slice(0, 1000)]) {
    const { repository, log } = tampered((request, seen) =>
      request.method === "PUT" ? Promise.resolve(invalid("DIGEST_INVALID")) : seen.forward()
    );
    const options = { reopen: (offset: number) => Promise.resolve(toStream(blob.slice(offset))) };
    await assert.rejects(repository.putBlob(describe("m", blob), toStream(blob), options), {
      message: /DIGEST_INVALID/,
    });
    assert.equal(log.filter((method) => method === "POST").length, 2);
  }
});

Deno.test("a location with a fragment keeps its query", async () => {
  const { repository, log } = tampered(async (request, seen) => {
    if (request.method !== "POST" && !new URL(request.url).searchParams.has("_state")) {
      return invalid("BLOB_UPLOAD_UNKNOWN", 404);
    }
    const response = await seen.forward();
    const location = response.headers.get("location");
    if (request.method !== "PUT") response.headers.set("location", `${location}?_state=x#part`);
    return response;
  });
  await repository.putBlob(DESCRIPTOR, toStream(BLOB));
  assert.deepEqual(log, ["POST", "PATCH", "PUT"]);
});
