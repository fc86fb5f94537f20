/** Tests registries that report a mount that did not happen. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { copyImageWith } from "../../src/copy/room.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { type ParsedImage, parseManifest } from "../../src/spec/room.ts";
import { WANTED } from "../support/copy_world.ts";
import { makeImage, pushImage } from "../support/images.ts";

Deno.test("a mount that did not happen is followed by an upload", async () => {
  const location = { location: "/v2/app/blobs/$DIGEST" };
  const digest = { "docker-content-digest": "$DIGEST" };
  for (const headers of [{}, { location: "/" }, location, digest, { ...location, ...digest }]) {
    const registry = createRegistry({ storage: createMemoryStorage() });
    const client = new RegistryClient("r.example", { fetch: registry.fetch });
    const requests: string[] = [];
    const fetch = async (request: Request): Promise<Response> => {
      const { pathname, searchParams } = new URL(request.url);
      const mount = searchParams.get("mount");
      requests.push(`${request.method} ${pathname}`);
      if (request.method !== "POST" || !mount) return await registry.fetch(request);
      const filled = Object.entries<string>(headers).map(([name, value]) => [name, value.replace("$DIGEST", mount)]);
      return new Response("", { status: 201, headers: Object.fromEntries(filled) });
    };
    await pushImage(client.repository("other"), makeImage(WANTED), "1");
    const options = { policy: acceptAnything, platform: WANTED, selection: "all", retryDelay: 0 } as const;
    const places = ["other", "app"].map((path) => parseImageName(`docker://r.example/${path}:1`));
    await copyImageWith(places[0]!, places[1]!, { ...options, systemContext: { fetch } });
    const { layers, config } = parseManifest((await client.repository("app").getManifest("1")).bytes) as ParsedImage;
    for (const blob of [...layers, config!]) {
      assert.equal(await client.repository("app").headBlob(blob.digest), blob.size, JSON.stringify(headers));
    }
  }
});
