import assert from "node:assert/strict";
import { type Fetch, type FetchHandle, lazyFetch, RegistryPool } from "../../src/registry/room.ts";
import { runPending } from "../support/timers.ts";

/** A handle that records its requests, and whether it was closed. */
function handle(log: string[], name: string): FetchHandle {
  return {
    fetch: ({ url }) => {
      log.push(`${name} ${new URL(url).pathname}`);
      return Promise.resolve(new Response(null, { status: url.endsWith("/v2/") ? 200 : 404 }));
    },
    close: () => void log.push(`${name} closed`),
  };
}

Deno.test("concurrent users of one registry share a client, whose handle was opened for their key", async () => {
  const log: string[] = [];
  const pool = new RegistryPool(({ host, insecure }) => handle(log, `${host} ${insecure}`));
  const first = pool.acquire({ host: "a.example", insecure: true });
  const second = pool.acquire({ host: "a.example", insecure: true });
  const other = pool.acquire({ host: "a.example" });
  assert.equal(first.client, second.client);
  assert.notEqual(first.client, other.client);
  await Promise.all([first, second].map(({ client }) => client.repository("app").headManifest("1")));
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.ok(!log.some((line) => line.includes("closed")));
  second[Symbol.dispose]();
  other[Symbol.dispose]();
  assert.deepEqual(log.filter((line) => line.includes("closed")), [
    "a.example true closed",
    "a.example undefined closed",
  ]);
  assert.equal(log.filter((line) => line === "a.example true /v2/").length, 2, "both schemes are tried, once");
});

Deno.test("successive clients of one pool wait for https only once", async () => {
  const pool = new RegistryPool();
  const schemes: string[] = [];
  let tlsAnswers = false;
  const fetch: Fetch = async ({ url, signal }) => {
    const { protocol, pathname } = new URL(url);
    if (pathname !== "/v2/") schemes.push(protocol);
    if (protocol === "https:" && !tlsAnswers) {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    }
    // https answers after everything that plain HTTP can do without waiting.
    if (protocol === "https:") await runPending();
    return new Response(null, { status: pathname === "/v2/" ? 200 : 404 });
  };
  const ask = async (probeTimeout: number) => {
    using lease = pool.acquire({ host: "a.example", insecure: true, fetch, timeouts: { probeTimeout } });
    await lease.client.repository("app").headManifest("1");
  };
  await ask(1);
  tlsAnswers = true;
  await ask(3_600_000);
  assert.deepEqual(new Set(schemes), new Set(["http:"]));
  await runPending();
});

Deno.test("clients with different listeners for warnings are not shared", () => {
  const pool = new RegistryPool();
  const [one, two] = [() => {}, () => {}];
  const clients = [one, one, two, undefined].map((onWarning) => pool.acquire({ host: "a.example", onWarning }).client);
  assert.equal(clients[0], clients[1]);
  assert.equal(new Set(clients).size, 3);
});

Deno.test("lazyFetch() opens its handle once, for the first request", async () => {
  const log: string[] = [];
  let opened = 0;
  const lazy = lazyFetch(() => {
    opened++;
    return Promise.resolve(handle(log, "x"));
  });
  assert.equal(opened, 0);
  await Promise.all([1, 2].map((i) => lazy.fetch(new Request(`http://a.example/${i}`))));
  assert.equal(opened, 1);
  lazy.close();
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(log, ["x /1", "x /2", "x closed"]);
  const unused = lazyFetch(() => Promise.reject(new Error("never")));
  unused.close();
});
