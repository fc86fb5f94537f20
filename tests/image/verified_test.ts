import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { type ImageSource, readManifest } from "../../src/image/room.ts";
import { type Digest, digestOf, MAX_MANIFEST_SIZE } from "../../src/spec/room.ts";
import { encode, makeImage } from "../support/images.ts";

/** Creates a source that returns the same bytes for every manifest. */
function createSource(bytes: Uint8Array<ArrayBuffer>): ImageSource & { asked: number } {
  return {
    asked: 0,
    reference: parseImageName("docker://registry.example/app:1"),
    getManifest() {
      this.asked++;
      return Promise.resolve({ bytes });
    },
    getBlob: () => Promise.reject(new Error("not asked for")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("readManifest() does not trust the bytes of a source", async () => {
  const { manifest, digest } = makeImage({ architecture: "amd64" });
  assert.equal((await readManifest(createSource(manifest), { instance: digest })).digest, digest);
  const other = digestOf(encode("other"));
  await assert.rejects(readManifest(createSource(manifest), { instance: other }), { code: "DIGEST_MISMATCH" });
  const padding = new Uint8Array(MAX_MANIFEST_SIZE + 1).fill(32);
  padding.set(manifest);
  await assert.rejects(readManifest(createSource(padding), { instance: digestOf(padding) }), {
    code: "LIMIT_EXCEEDED",
  });
});

Deno.test("readManifest() sends no request if the digest could not be verified", async () => {
  const source = createSource(makeImage({ architecture: "amd64" }).manifest);
  await assert.rejects(readManifest(source, { instance: "blake3:00" as Digest }), { code: "INVALID_DIGEST" });
  assert.equal(source.asked, 0);
});
