/** Tags and manifests that are deleted in registries. */
import assert from "node:assert/strict";
import { deleteImage } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { makeImage, pushImage } from "../support/images.ts";

const HOST = "registry.example";
const IMAGE = makeImage({ architecture: "amd64" });

/** A registry in memory with one image under two tags. `refuse` answers instead of it. */
async function makeWorld(refuse: (request: Request) => Response | undefined = () => undefined) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const repository = new RegistryClient(HOST, { fetch: registry.fetch }).repository("app");
  for (const tag of ["1", "2"]) await pushImage(repository, IMAGE, tag);
  const fetch = (request: Request) => Promise.resolve(refuse(request) ?? registry.fetch(request));
  const listTags = () => Array.fromAsync(repository.listTags());
  return { systemContext: { fetch, retryDelay: 0 }, listTags, repository };
}

Deno.test("deleteImage() deletes one tag, a manifest with all its tags, or a manifest by its digest", async () => {
  const { systemContext, listTags, repository } = await makeWorld();
  assert.equal(await deleteImage(`${HOST}/app:1`, { systemContext }), IMAGE.digest);
  assert.deepEqual(await listTags(), ["2"]);
  assert.equal(await deleteImage(`docker://${HOST}/app:2`, { manifest: true, systemContext }), IMAGE.digest);
  assert.deepEqual(await listTags(), []);
  assert.equal(await repository.headManifest(IMAGE.digest), undefined);
  await pushImage(repository, IMAGE, "3");
  assert.equal(await deleteImage(`${HOST}/app@${IMAGE.digest}`, { systemContext }), IMAGE.digest);
  await assert.rejects(deleteImage(`${HOST}/app:3`, { systemContext }), { code: "NOT_FOUND" });
  await assert.rejects(deleteImage(`${HOST}/app@${IMAGE.digest}`, { systemContext }), { code: "NOT_FOUND" });
});

Deno.test("deleteImage() rejects places that are not registries", async () => {
  await assert.rejects(deleteImage("oci:/nowhere:1"), { code: "UNSUPPORTED_TRANSPORT" });
});

Deno.test("deleteImage() says what to do if the registry cannot delete tags", async () => {
  const { systemContext, listTags } = await makeWorld((request) =>
    request.method === "DELETE" && /\/manifests\/\d+$/.test(request.url)
      ? new Response(null, { status: 405 })
      : undefined
  );
  const alone = deleteImage(`${HOST}/app:1`, { systemContext });
  await assert.rejects(alone, { code: "REGISTRY_ERROR", message: /^Cannot delete the tag .*\(--manifest\)/ });
  assert.deepEqual(await listTags(), ["1", "2"]);
  await deleteImage(`${HOST}/app:1`, { manifest: true, systemContext });
  assert.deepEqual(await listTags(), []);
});

Deno.test("deleteImage() passes on a rejection of the caller unchanged", async () => {
  const { systemContext } = await makeWorld((request) =>
    request.method === "DELETE" ? new Response(null, { status: 403 }) : undefined
  );
  await assert.rejects(deleteImage(`${HOST}/app:1`, { systemContext }), (error: Error & { code?: string }) => {
    return error.code === "DENIED" && !error.message.includes("--manifest");
  });
});
