import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { type ImageSource, readManifest } from "../../src/image/room.ts";
import { type Digest, digestOf, MAX_MANIFEST_SIZE } from "../../src/spec/room.ts";
import { encode, makeImage } from "../support/images.ts";

/** A source that hands out bytes, whatever it is asked for. */
function sourceOf(bytes: Uint8Array<ArrayBuffer>): ImageSource & { asked: number } {
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

Deno.test("readManifest() believes nothing that a source hands out", async () => {
  const { manifest, digest } = makeImage({ architecture: "amd64" });
  assert.equal((await readManifest(sourceOf(manifest), { instance: digest })).digest, digest);
  const other = digestOf(encode("other"));
  await assert.rejects(readManifest(sourceOf(manifest), { instance: other }), { code: "DIGEST_MISMATCH" });
  const padding = new Uint8Array(MAX_MANIFEST_SIZE + 1).fill(32);
  padding.set(manifest);
  await assert.rejects(readManifest(sourceOf(padding), { instance: digestOf(padding) }), { code: "LIMIT_EXCEEDED" });
});

Deno.test("readManifest() asks for nothing that could not be verified", async () => {
  const source = sourceOf(makeImage({ architecture: "amd64" }).manifest);
  await assert.rejects(readManifest(source, { instance: "blake3:00" as Digest }), { code: "INVALID_DIGEST" });
  assert.equal(source.asked, 0);
});
