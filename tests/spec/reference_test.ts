import assert from "node:assert/strict";
import { hasDomain, normalizeLocalName, parseReference } from "../../src/spec/room.ts";

const HEX = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const DIGEST = `sha256:${HEX}`;

Deno.test("parseReference() normalises names as distribution/reference does", () => {
  const rows: [string, string, familiar?: string][] = [
    ["alpine", "docker.io/library/alpine", "alpine"],
    ["alpine:3", "docker.io/library/alpine:3", "alpine:3"],
    ["me/app", "docker.io/me/app", "me/app"],
    ["docker.io/alpine", "docker.io/library/alpine", "alpine"],
    ["index.docker.io/alpine", "docker.io/library/alpine", "alpine"],
    ["docker.io/library/foo/bar", "docker.io/library/foo/bar", "library/foo/bar"],
    ["quay.io/a/b:v1", "quay.io/a/b:v1"],
    ["localhost/x", "localhost/x"],
    ["localhost", "docker.io/library/localhost", "localhost"],
    ["localhost:5000/z", "localhost:5000/z"],
    ["test:5000/repo", "test:5000/repo"],
    ["test.com:5000", "docker.io/library/test.com:5000", "test.com:5000"],
    ["[::1]:5000/x", "[::1]:5000/x"],
    ["xn--n3h.com/myimage:1", "xn--n3h.com/myimage:1"],
    ["a/b__c/d---e.f_g", "docker.io/a/b__c/d---e.f_g", "a/b__c/d---e.f_g"],
    [`quay.io/a@${DIGEST}`, `quay.io/a@${DIGEST}`],
    [`quay.io/a:tag@${DIGEST}`, `quay.io/a:tag@${DIGEST}`],
    [`a:${"t".repeat(128)}`, `docker.io/library/a:${"t".repeat(128)}`, `a:${"t".repeat(128)}`],
  ];
  for (const [text, full, familiar = full] of rows) {
    const reference = parseReference(text);
    assert.equal(String(reference), full, text);
    assert.equal(reference.familiar(), familiar, text);
    assert.equal(String(parseReference(String(reference))), full);
  }
});

Deno.test("parseReference() rejects invalid references", () => {
  const bad: [string, string?][] = [
    [""],
    ["UPPER"],
    ["quay.io/Upper/x"],
    ["a..b"],
    ["a___b"],
    ["a_.b"],
    ["-a"],
    ["a-"],
    ["a//b"],
    ["a/"],
    ["/a"],
    ["a:"],
    ["a:b:c"],
    ["foo:bad:tag"],
    [`a:${"t".repeat(129)}`],
    ["a:-x"],
    ["docker://x"],
    ["a b"],
    ["-x.com/a"],
    ["a_b.com/x"],
    ["a.com./x"],
    [HEX],
    [`quay.io/${"a".repeat(256)}`],
    ["a@sha256:beef", "INVALID_DIGEST"],
    ["a@b", "INVALID_DIGEST"],
  ];
  for (const [text, code = "INVALID_REFERENCE"] of bad) {
    assert.throws(() => parseReference(text), { code }, text);
  }
});

// The upstream pattern backtracks exponentially for these names.
Deno.test("parseReference() is fast for hostile names", () => {
  for (const tail of ["!", "-", "A", "/"]) {
    assert.throws(() => parseReference("a-".repeat(1900) + "a" + tail), { code: "INVALID_REFERENCE" });
    assert.throws(() => parseReference("a-".repeat(100_000) + tail), { code: "INVALID_REFERENCE" });
  }
});

Deno.test("references are immutable: changes return new ones", () => {
  const reference = parseReference("quay.io/a");
  assert.equal(String(reference.withDefaultTag()), "quay.io/a:latest");
  assert.equal(String(reference.withTag("1").withDefaultTag()), "quay.io/a:1");
  const pinned = parseReference(`quay.io/a:1@${DIGEST}`);
  assert.equal(String(pinned.withDefaultTag()), `quay.io/a:1@${DIGEST}`);
  assert.equal(String(pinned.trimmed()), "quay.io/a");
  assert.throws(() => reference.withTag("a b"), { code: "INVALID_REFERENCE" });
});

Deno.test("normalizeLocalName() returns the name under which podman stores an image", () => {
  const rows: [string, string][] = [
    ["foo", "localhost/foo:latest"],
    ["a/b", "localhost/a/b:latest"],
    ["docker.io/foo", "docker.io/library/foo:latest"],
    ["quay.io/x", "quay.io/x:latest"],
    ["localhost:5000/z", "localhost:5000/z:latest"],
    ["foo:1", "localhost/foo:1"],
    [`foo@${DIGEST}`, `localhost/foo@${DIGEST}`],
    [`foo:1@${DIGEST}`, `localhost/foo@${DIGEST}`],
  ];
  for (const [text, name] of rows) assert.equal(String(normalizeLocalName(text)), name);
  const bad = [
    "UPPER",
    "foo:bad:tag",
    "docker://x",
    "",
    "oci:foo",
    "dir:x",
    "sha256:abc",
    HEX,
    "[::1]:5000/x",
    "a".repeat(246),
    `localhost/${"a".repeat(246)}`,
  ];
  assert.equal(String(normalizeLocalName("a".repeat(245))).length, 262);
  for (const text of bad) {
    assert.throws(() => normalizeLocalName(text), { code: "INVALID_REFERENCE" }, text);
  }
});

Deno.test("hasDomain() distinguishes full names from short names", () => {
  const rows: [string, boolean][] = [["a", false], ["a/b", false], ["a.b/c", true], ["a:1/c", true], [
    "localhost/c",
    true,
  ]];
  for (const [text, expected] of rows) assert.equal(hasDomain(text), expected, text);
});
