import assert from "node:assert/strict";
import { createDigester, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";

Deno.test("parseDigest() accepts exactly the digests that can be verified", () => {
  for (const [algorithm, length] of [["sha256", 64], ["sha384", 96], ["sha512", 128]] as const) {
    const text = `${algorithm}:${"0a".repeat(length / 2)}`;
    assert.equal(parseDigest(text), text);
    assert.equal(digestAlgorithm(parseDigest(text)), algorithm);
    assert.equal(digestHex(parseDigest(text)).length, length);
  }
  const bad = [
    "",
    "sha256",
    "sha256:",
    `sha256:${"a".repeat(63)}`,
    `sha256:${"a".repeat(65)}`,
    `sha256:${"A".repeat(64)}`,
    `sha256:${"g".repeat(64)}`,
    `sha1:${"a".repeat(40)}`,
    `md5:${"a".repeat(64)}`,
    ` sha256:${"a".repeat(64)}`,
    `sha256:${"a".repeat(64)}\n`,
    `sha256:${"a".repeat(200_000)}`,
  ];
  for (const text of bad) {
    assert.ok(!isDigest(text));
    assert.throws(() => parseDigest(text), { code: "INVALID_DIGEST" });
  }
});

Deno.test("digestOf() and a digester agree with known digests", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(digestOf(encode("abc")), `sha256:${abc}`);
  const digester = createDigester();
  for (const part of ["a", "", "bc"]) digester.update(encode(part));
  assert.equal(digester.digest(), `sha256:${abc}`);
  assert.match(digestOf(encode("abc"), "sha512"), /^sha512:ddaf35a193617aba/);
  assert.match(digestOf(encode("abc"), "sha384"), /^sha384:cb00753f45a35e8b/);
});

Deno.test("the compiler does not accept a plain string as a digest", () => {
  // @ts-expect-error -- Only parseDigest and the hashing functions make digests.
  const digest: ReturnType<typeof parseDigest> = "sha256:abc";
  assert.equal(typeof digest, "string");
});
