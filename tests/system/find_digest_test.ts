import assert from "node:assert/strict";
import { findDigest } from "../../src/system/local/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";

const DIGEST = digestOf(new Uint8Array());

/** A registry whose manifests get these responses, and the requests for them. */
function scripted(answer: () => Response) {
  const methods: string[] = [];
  const fetch = ({ method, url }: Request) => {
    if (url.endsWith("/v2/")) return Promise.resolve(new Response(""));
    methods.push(method);
    return Promise.resolve(answer());
  };
  return { methods, systemContext: { fetch, retryDelay: 0 } };
}

Deno.test("a digest is found with HEAD; a registry that fails is asked again with GET only", async () => {
  const headers = { "docker-content-digest": DIGEST, "content-type": MEDIA_TYPES.ociIndex, "content-length": "2" };
  const good = scripted(() => new Response(null, { headers }));
  assert.equal(await findDigest("r.example/app:1", good), DIGEST);
  assert.deepEqual(good.methods, ["HEAD"]);

  const failing = scripted(() => new Response(null, { status: 503 }));
  await assert.rejects(findDigest("r.example/app:1", failing), { status: 503 });
  assert.deepEqual(failing.methods, ["HEAD", "GET", "GET", "GET", "GET"]);
});
