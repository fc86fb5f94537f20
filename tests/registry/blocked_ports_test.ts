/** Ports that `fetch` never connects to. */
import assert from "node:assert/strict";
import { getUnverifiedBlob, isBlockedPort, RegistryClient, RegistryPool } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { openFetch } from "../../src/system/local/registry_fetch.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";

const CREDENTIALS = { username: "me", password: "secret" };

/** Serves a handler on loopback, at any free port that `fetch` refuses. */
function serveBlocked(handler: (request: Request) => Response | Promise<Response>) {
  for (const port of [6000, 5060, 5061, 10080, 2049, 4190, 6566, 6697, 6665, 6666, 6667, 6668, 6669, 6679]) {
    try {
      const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handler);
      return { host: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => server.shutdown() };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no free port");
}

/** Creates the client of a registry as programs with a disk do. */
function localClient(host: string) {
  return new RegistryPool(openFetch).acquire({ host, insecure: true, credentials: CREDENTIALS });
}

Deno.test("isBlockedPort() knows the ports that fetch refuses, and no other port that registries use", async () => {
  const refused = async (port: number) =>
    await fetch(`http://127.0.0.1:${port}/`).then(
      (response) => void response.body?.cancel(),
      (error: Error) => /are blocked/.test(error.message),
    );
  for (let port = 1; port <= 11_000; port++) {
    const blocked = isBlockedPort(new URL(`http://127.0.0.1:${port}/`));
    if (blocked) assert.equal(await refused(port), true, `${port}`);
  }
  for (const port of [80, 443, 5000, 5001, 8080, 8443, 6001]) {
    assert.equal(isBlockedPort(new URL(`http://127.0.0.1:${port}/`)), false);
  }
});

Deno.test("registry, token service, upload location, redirect and foreign layer are reached at such ports", async () => {
  const layer = encode("a layer that is elsewhere");
  await using elsewhere = serveBlocked(() => new Response(layer));
  const registry = createRegistry({
    storage: createMemoryStorage(),
    access: { scheme: "bearer", users: { me: "secret" } },
  });
  await using server = serveBlocked(async (request) => {
    if (request.url.endsWith(`/blobs/${digestOf(layer)}`)) {
      return new Response(null, { status: 307, headers: { location: `http://${elsewhere.host}/` } });
    }
    const response = await registry.fetch(request);
    const location = response.headers.get("location");
    if (location) response.headers.set("location", new URL(location, request.url).href);
    return response;
  });
  using lease = localClient(server.host);
  const repository = lease.client.repository("app");
  const image = makeImage({ architecture: "amd64" });
  await pushImage(repository, image, "1");
  assert.equal((await repository.getManifest("1")).digest, image.digest);
  const large = new Uint8Array(2_500_000).fill(7);
  await repository.putBlob(describe("m", large), new Blob([large]).stream());
  assert.equal(await repository.headBlob(digestOf(large)), large.length);
  const read = async (stream: ReadableStream<Uint8Array>) => new Uint8Array(await new Response(stream).arrayBuffer());
  assert.deepEqual(await read(await repository.getBlob(describe("m", layer))), layer);
  const foreign = await getUnverifiedBlob(repository, digestOf(encode("not in the registry")), {
    size: layer.length,
    urls: [`http://${elsewhere.host}/x`],
  });
  assert.deepEqual(await read(foreign), layer);
});

Deno.test("a registry at another port can lead to such ports", async () => {
  const layer = encode("a layer");
  await using blocked = serveBlocked((request) =>
    new URL(request.url).pathname === "/token" ? Response.json({ token: "t" }) : new Response(layer)
  );
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (request.headers.get("authorization") !== "Bearer t") {
      const challenge = `Bearer realm="http://${blocked.host}/token"`;
      return new Response("", { status: 401, headers: { "www-authenticate": challenge } });
    }
    return pathname === "/v2/"
      ? new Response("")
      : new Response(null, { status: 307, headers: { location: `http://${blocked.host}/x` } });
  });
  using lease = localClient(`127.0.0.1:${server.addr.port}`);
  const stream = await lease.client.repository("app").getBlob(describe("m", layer));
  assert.equal(await new Response(stream).text(), new TextDecoder().decode(layer));
  await server.shutdown();
});

Deno.test("fetch alone fails at once, with a code for the refused port", async () => {
  for (const insecure of [true, false]) {
    const retried: unknown[] = [];
    const client = new RegistryClient("127.0.0.1:6000", { insecure, onRetry: (event) => void retried.push(event) });
    await assert.rejects(client.repository("app").getManifest("1"), { code: "PORT_BLOCKED", message: /port 6000/ });
    assert.deepEqual(retried, []);
  }
  // The messages of Node.js and Chromium.
  const wordings = [
    new TypeError("fetch failed", { cause: new Error("bad port") }),
    new TypeError("Failed to fetch"),
  ];
  for (const wording of wordings) {
    const client = new RegistryClient("registry.example:6000", { fetch: () => Promise.reject(wording) });
    await assert.rejects(client.repository("app").getManifest("1"), { code: "PORT_BLOCKED" });
  }
  // Other failures at such a port keep their own code.
  const refusing = () => Promise.reject(new TypeError("ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:6000"));
  const client = new RegistryClient("registry.example:6000", { fetch: refusing, timeouts: { retryDelay: 0 } });
  await assert.rejects(client.repository("app").getManifest("1"), { code: "NETWORK", message: /ECONNREFUSED/ });
});
