/** Which implementation of HTTP sends the requests of a program with a disk. */
import assert from "node:assert/strict";
import { RegistryClient, RegistryPool } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { openFetch } from "../../src/system/local/registry_fetch.ts";
import { encode } from "../support/images.ts";
import { serve } from "../support/registries.ts";

Deno.test("only large blobs are sent with node:http", async () => {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const seen = new Set<string>();
  await using server = serve((request) => {
    // node:http names this header, fetch does not.
    seen.add(`${request.method} ${request.headers.get("connection")}`);
    return registry.fetch(request);
  });
  using lease = new RegistryPool(openFetch).acquire({ host: server.host, insecure: true });
  const repository = lease.client.repository("app");
  for (const size of [3_000_000, 1000]) {
    const blob = new Uint8Array(size).fill(7);
    const descriptor = { mediaType: "m", digest: digestOf(blob), size };
    await repository.putBlob(descriptor, new Blob([blob]).stream());
    assert.equal(await repository.headBlob(descriptor.digest), size);
  }
  assert.deepEqual([...seen].sort(), ["GET null", "HEAD null", "PATCH keep-alive", "POST null", "PUT null"]);
});

/** Uploads 3 MB, more than is sent from memory, to a registry that only the proxy knows. */
const UPLOAD = `
import { openFetch } from ${JSON.stringify(new URL("../../src/system/local/registry_fetch.ts", import.meta.url).href)};
import { RegistryClient, RegistryPool } from ${
  JSON.stringify(new URL("../../src/registry/room.ts", import.meta.url).href)
};
import { digestOf, MEDIA_TYPES } from ${JSON.stringify(new URL("../../src/spec/room.ts", import.meta.url).href)};
using lease = new RegistryPool(openFetch).acquire({ host: "registry.invalid:80", insecure: true, timeouts: { maxRetries: 0 } });
const blob = new Uint8Array(3_000_000).fill(7);
const descriptor = { mediaType: "m", digest: digestOf(blob), size: blob.length };
await lease.client.repository("app").putBlob(descriptor, new Blob([blob]).stream());
console.log(await lease.client.repository("app").headBlob(descriptor.digest));
`;

const PROXY_CASES: [name: string, variable: string, permissions: string[]][] = [
  ["HTTP_PROXY", "HTTP_PROXY", ["-A"]],
  ["ALL_PROXY", "ALL_PROXY", ["-A"]],
  ["HTTP_PROXY without the permission to read it", "HTTP_PROXY", ["--allow-net", "--allow-sys"]],
];
for (const [name, variable, permissions] of PROXY_CASES) {
  Deno.test(`a large upload goes through the proxy of ${name}`, async () => {
    const registry = createRegistry({ storage: createMemoryStorage() });
    const uploads: string[] = [];
    await using proxy = serve((request) => {
      const { method, url } = request;
      if (method === "PATCH") uploads.push(new URL(url).host);
      return registry.fetch(request);
    });
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(script, UPLOAD);
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--config", new URL("../../deno.json", import.meta.url).pathname, ...permissions, script],
        env: {
          ...Object.fromEntries(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map((name) => [name, ""])),
          [variable]: `http://${proxy.host}`,
          NO_PROXY: "",
          no_proxy: "",
        },
      }).output();
      assert.equal(new TextDecoder().decode(stdout), "3000000\n", new TextDecoder().decode(stderr));
      assert.deepEqual(uploads, ["registry.invalid"]);
    } finally {
      await Deno.remove(script);
    }
  });
}

Deno.test("a manifest is sent as its bytes, not as a request whose body is a stream", async () => {
  const { fetch } = globalThis;
  const handle = openFetch({ host: "r.example" });
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });
  const calls: [input: unknown, body: unknown][] = [];
  globalThis.fetch = (input, init) => {
    calls.push([typeof input, init?.body]);
    const headers = { "docker-content-digest": digestOf(bytes) };
    return Promise.resolve(new Response(null, { status: init?.body ? 201 : 200, headers }));
  };
  try {
    await new RegistryClient("r.example", { fetch: handle.fetch }).repository("app").putManifest("1", bytes);
  } finally {
    globalThis.fetch = fetch;
    handle.close();
  }
  assert.deepEqual(calls, [["object", undefined], ["string", bytes]]);
});
