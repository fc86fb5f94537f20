import assert from "node:assert/strict";
import {
  chooseInstance,
  compatiblePlatforms,
  type Descriptor,
  type Digest,
  findByPlatform,
  findPlatform,
  formatPlatform,
  matchesPlatform,
  type ParsedIndex,
  parsePlatform,
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

Deno.test("compatiblePlatforms() lists the platforms that a machine can run, best first", () => {
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

Deno.test("chooseInstance() names the platform that it did not find", () => {
  assert.throws(
    () => chooseInstance(index(["1", linux("arm", "v7")]), linux("mips")),
    { code: "NO_MATCHING_PLATFORM", message: /architecture "mips", variant "", OS "linux"/ },
  );
});

const windows = (osVersion?: string, ...osFeatures: string[]): Platform => ({
  os: "windows",
  architecture: "amd64",
  ...(osVersion ? { osVersion } : {}),
  ...(osFeatures.length > 0 ? { osFeatures } : {}),
});

Deno.test("chooseInstance() respects the version and the features of the operating system", () => {
  const list = index(
    ["1", windows("10.0.17763.1")],
    ["2", windows("10.0.20348.1")],
    ["3", windows("10.0.20348.1", "win32k")],
    ["4", linux("amd64")],
    ["5", undefined],
  );
  const rows: [Platform, string][] = [
    [windows(), "1"],
    [windows(""), "1"],
    [windows("10.0.17763.1"), "1"],
    [windows("10.0.20348.1"), "2"],
    [windows("10.0.20348.1", "win32k"), "3"],
    [windows(undefined, "win32k"), "3"],
    [{ ...linux("amd64"), osVersion: "6.1" }, "4"],
    [windows("10.0.26100.1"), "5"],
  ];
  for (const [wanted, expected] of rows) {
    assert.equal(chooseInstance(list, wanted), digest(expected), formatPlatform(wanted));
  }
  const unsaid = index(["1", windows()], ["2", windows("10.0.20348.1")]);
  assert.equal(chooseInstance(unsaid, windows("10.0.20348.1")), digest("2"));
  assert.equal(chooseInstance(unsaid, windows("10.0.26100.1")), digest("1"), "it does not say another version");
  assert.throws(() => chooseInstance(index(["1", windows("10.0.17763.1")]), windows("10.0.20348.1")), {
    code: "NO_MATCHING_PLATFORM",
    message: /OS version "10\.0\.20348\.1"/,
  });
});

Deno.test("parsePlatform() reads what formatPlatform() writes", () => {
  const rows: [string, Platform][] = [
    ["linux/arm64", linux("arm64")],
    ["linux/arm/v7", linux("arm", "v7")],
    ["windows/amd64:10.0.20348.1", windows("10.0.20348.1")],
    ["windows/amd64+win32k", windows(undefined, "win32k")],
    ["windows/amd64:10.0.20348.1+a+b", windows("10.0.20348.1", "a", "b")],
    ["linux/arm64/v8:1.2", { ...linux("arm64", "v8"), osVersion: "1.2" }],
  ];
  for (const [text, platform] of rows) {
    assert.deepEqual(parsePlatform(text), platform);
    assert.equal(formatPlatform(platform), text);
  }
  for (
    const text of [
      "",
      "linux",
      "linux/",
      "/arm64",
      "a/b/c/d",
      "a/b:",
      "a/b+",
      "quay.io/a/b@sha256:0",
      "a/b c",
      "a/b:1:2",
    ]
  ) {
    assert.throws(() => parsePlatform(text), { name: "ManifestsSyntaxError", code: "INVALID_PLATFORM" }, text);
    assert.equal(findPlatform(text), undefined);
  }
});

Deno.test("findByPlatform() finds exact matches, else all variants", () => {
  const platforms = [
    "linux/amd64",
    "linux/amd64/v3",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64/v8",
    "linux/ppc64le/power9",
    "windows/amd64:10.0.17763.1",
    "windows/amd64:10.0.20348.1+win32k",
  ];
  const rows: [string, ...string[]][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/amd64/v2"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/v6", "linux/arm/v6"],
    ["linux/arm/v5"],
    ["linux/arm64", "linux/arm64/v8"],
    ["linux/arm64/v8", "linux/arm64/v8"],
    ["linux/arm64/v9"],
    ["linux/ppc64le", "linux/ppc64le/power9"],
    ["windows/amd64", "windows/amd64:10.0.17763.1", "windows/amd64:10.0.20348.1+win32k"],
    ["windows/amd64:10.0.20348.1", "windows/amd64:10.0.20348.1+win32k"],
    ["windows/amd64+win32k", "windows/amd64:10.0.20348.1+win32k"],
    ["windows/amd64:10.0.20348"],
    ["linux/s390x"],
  ];
  for (const [wanted, ...found] of rows) {
    assert.deepEqual(findByPlatform(platforms, parsePlatform(wanted), findPlatform), found, wanted);
  }
  assert.ok(matchesPlatform(linux("arm64"), linux("arm64", "v8")));
  assert.ok(matchesPlatform(linux("arm"), linux("arm", "v7")));
  assert.ok(!matchesPlatform(linux("arm"), linux("arm", "v6")));
});
