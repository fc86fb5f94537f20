import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { fetchFirstManifestWith } from "../../src/actions/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { LOCAL_RUNTIME } from "../../src/system/local/room.ts";

Deno.test("the manifest of the first image that exists is read", async () => {
  const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
  const image = (tag: string) => `registry.example/app:${tag}`;
  const fetchFirst = async (tags: string[], signal?: AbortSignal) =>
    await fetchFirstManifestWith(LOCAL_RUNTIME, tags.map(image), { systemContext, signal });
  for (const tag of ["one", "two"]) {
    const list = create();
    list.setAnnotations(undefined, { tag });
    await list.push(image(tag), { systemContext });
  }
  const found = await fetchFirst(["none", "two", "one"]);
  assert.equal(found.kind === "oci-index" && found.index.annotations?.["tag"], "two");
  await assert.rejects(fetchFirst(["none"]), /^RegistryError: .*manifests\/none/);
  await assert.rejects(fetchFirst(["none", "nothing"]), /^Error: tried .*manifests\/none.*; .*manifests\/nothing/);
  await assert.rejects(fetchFirst(["one", "two"], AbortSignal.abort(new Error("stop"))), /^Error: stop$/);
});
