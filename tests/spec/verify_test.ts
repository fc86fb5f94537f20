/** Tests which bytes are hashed again. */
import assert from "node:assert/strict";
import { concatBytes, readChunks, toStream } from "../../src/internal/room.ts";
import { digestOf, markVerified, verifyBlob } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";

const CONTENT = encode("content");
const WRONG = encode("CONTENT");
const descriptor = { mediaType: "a/b", digest: digestOf(CONTENT), size: CONTENT.length };

Deno.test("a stream that verifies itself is not hashed again", async () => {
  const stream = verifyBlob(markVerified(toStream(WRONG), descriptor.digest), descriptor);
  assert.deepEqual(concatBytes(await Array.fromAsync(readChunks(stream))), WRONG);
});

Deno.test("a stream that verifies itself still has the size of the descriptor", async () => {
  const longer = markVerified(toStream(encode("content!")), descriptor.digest);
  await assert.rejects(Array.fromAsync(readChunks(verifyBlob(longer, descriptor))), { code: "SIZE_MISMATCH" });
});

Deno.test("a stream that verifies itself against another digest is hashed", async () => {
  const other = markVerified(toStream(WRONG), digestOf(WRONG));
  await assert.rejects(Array.fromAsync(readChunks(verifyBlob(other, descriptor))), { code: "DIGEST_MISMATCH" });
});
