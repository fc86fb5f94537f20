import assert from "node:assert/strict";
import {
  chooseInstance,
  compatiblePlatforms,
  type Descriptor,
  type Digest,
  type ParsedIndex,
  type Platform,
  ZSTD_ANNOTATION,
} from "../../src/spec/room.ts";

const digest = (c: string) => `sha256:${c.repeat(64)}` as Digest;

function index(...entries: [c: string, platform: Platform | undefined, zstd?: boolean][]): ParsedIndex {
  const manifests = entries.map(([c, platform, zstd]): Descriptor => ({
    mediaType: "m",
    digest: digest(c),
    size: 1,
    ...(platform ? { platform } : {}),
    ...(zstd ? { annotations: { [ZSTD_ANNOTATION]: "true" } } : {}),
  }));
  const mediaType = "application/vnd.oci.image.index.v1+json";
  return { kind: "oci-index", bytes: new Uint8Array(), mediaType, index: { schemaVersion: 2, mediaType, manifests } };
}

const linux = (architecture: string, variant?: string): Platform => ({
  os: "linux",
  architecture,
  ...(variant ? { variant } : {}),
});

Deno.test("compatiblePlatforms() lists what a machine can run, best first", () => {
  const rows: [Platform, string[]][] = [
    [linux("arm", "v6"), ["v6", "v5", ""]],
    [linux("arm"), ["", "v8", "v7", "v6", "v5"]],
    [linux("arm64"), ["", "v8"]],
    [linux("arm64", "v8"), ["v8", ""]],
    [linux("armel", "custom"), ["custom", ""]],
    [linux("amd64", "v3"), ["v3", ""]],
    [linux("amd64"), [""]],
  ];
  for (const [wanted, variants] of rows) {
    assert.deepEqual(compatiblePlatforms(wanted).map(({ variant }) => variant), variants);
  }
});

Deno.test("chooseInstance() prefers variant, then compression, then order", () => {
  const list = index(
    ["1", linux("arm", "v6")],
    ["2", linux("arm", "v7")],
    ["3", linux("amd64")],
    ["4", linux("amd64"), true],
    ["5", linux("amd64")],
    ["6", undefined],
  );
  assert.equal(chooseInstance(list, linux("arm", "v7")), digest("2"));
  assert.equal(chooseInstance(list, linux("arm", "v8")), digest("2"));
  assert.equal(chooseInstance(list, linux("arm", "v6")), digest("1"));
  assert.equal(chooseInstance(list, linux("amd64")), digest("4"));
  assert.equal(chooseInstance(list, linux("amd64"), { preferGzip: true }), digest("3"));
  assert.equal(chooseInstance(list, linux("s390x")), digest("6"), "an entry without platform suits as a last resort");
});

Deno.test("chooseInstance() names what it did not find", () => {
  assert.throws(
    () => chooseInstance(index(["1", linux("arm", "v7")]), linux("mips")),
    { code: "NO_MATCHING_PLATFORM", message: /architecture "mips", variant "", OS "linux"/ },
  );
});
