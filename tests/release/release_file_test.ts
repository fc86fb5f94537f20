/** Release files: what they mean, and what their faults are called. */
import assert from "node:assert/strict";
import { parseReleaseFile } from "../../src/release/room.ts";
import { INVALID_FILES, VALID_FILES } from "./files.ts";

Deno.test("a fault is reported with file, line, key and cure", async () => {
  for (const { text, message } of INVALID_FILES) {
    await assert.rejects(parseReleaseFile(text, { path: "manifests.yaml" }), {
      name: "ConfigFileError",
      code: "CONFIG_FILE_INVALID",
      message: `Cannot read manifests.yaml${message}`,
    });
  }
});

Deno.test("a template names an image for each platform, which the index records", async () => {
  const { releases: [app] } = await parseReleaseFile(VALID_FILES["a template for two registries"]!);
  assert.deepEqual(app, {
    name: "app",
    targets: [
      "quay.io/me/app:1.2.3",
      "quay.io/me/app:1.2",
      "quay.io/me/app:latest",
      "ghcr.io/me/app:1.2.3",
      "ghcr.io/me/app:1.2",
      "ghcr.io/me/app:latest",
    ],
    sources: [
      { image: "quay.io/me/app:1.2.3-amd64", expectedPlatform: "linux/amd64" },
      { image: "quay.io/me/app:1.2.3-arm64", expectedPlatform: "linux/arm64" },
      { image: "quay.io/me/app:1.2.3-armv7", expectedPlatform: "linux/arm/v7" },
    ],
    digests: undefined,
    order: "given",
    annotations: {},
    immutable: ["*.*.*"],
    require: [],
    sign: [],
  });
});

Deno.test("defaults and variables apply to all releases", async () => {
  const text = VALID_FILES["variables, defaults, digests and an optional source"]!;
  const { releases: [api, web] } = await parseReleaseFile(text, { variables: { VERSION: "1.2.3" } });
  for (const release of [api!, web!]) {
    assert.deepEqual(release.require, ["linux/amd64", "linux/arm64"]);
    assert.deepEqual(release.annotations, { "org.opencontainers.image.version": "1.2.3" });
    assert.deepEqual(release.provenance, { key: "env:COSIGN_KEY" });
    assert.deepEqual(release.targets, [`ghcr.io/me/${release.name}:1.2.3`]);
  }
  assert.deepEqual(api!.digests, { dir: "/path/to/digests", repository: "ghcr.io/me/api" });
  assert.equal(api!.order, "platform");
  assert.deepEqual(web!.sources[1], { image: "ghcr.io/me/web:riscv64", optional: true, platform: undefined });
});

Deno.test("a release replaces defaults, merges annotations, and completes names without a registry", async () => {
  const { releases: [one] } = await parseReleaseFile(VALID_FILES["every key"]!, { variables: { VERSION: "1.2.3" } });
  assert.deepEqual(one, {
    name: "one",
    targets: ["quay.io/me/app:1.2.3", "quay.io/me/app:stable"],
    sources: [
      { image: "quay.io/me/app:amd64" },
      { image: "oci:build/arm64" },
      { image: "quay.io/me/app:arm", platform: "linux/arm/v7", annotations: { c: "1.2.3" } },
    ],
    digests: undefined,
    order: "given",
    annotations: { a: "c" },
    platforms: ["linux/amd64", "linux/arm64"],
    require: ["linux/amd64"],
    format: "oci",
    immutable: ["*.*.*", "v?"],
    latest: "never",
    sign: [{ gpg: "0123456789ABCDEF0123456789ABCDEF01234567" }],
    provenance: { key: "file:cosign.key", passphrase: "file:password", as: "tag" },
    referrers: true,
  });
});

Deno.test("variables come from the caller, then the environment, then the file", async () => {
  const text =
    'version: 1\nvars: { A: file, B: file, C: file }\nreleases:\n  app:\n    to: ["r.example/app:${A}-${B}-${C}"]\n' +
    '    sources: [r.example/app:amd64]\n    annotations: { literal: "$${A} $A" }\n';
  const findEnv = (name: string) => ({ A: "env", B: "env" })[name];
  const { releases: [app] } = await parseReleaseFile(text, { variables: { A: "given" }, findEnv });
  assert.deepEqual(app!.targets, ["r.example/app:given-env-file"]);
  assert.deepEqual(app!.annotations, { literal: "${A} $A" });
  await assert.rejects(parseReleaseFile(text, { variables: { AA: "1" } }), /it has no variable AA: did you mean A\?/);
  await assert.rejects(
    parseReleaseFile(text, { variables: { VERSION: "1" } }),
    /has no variable VERSION: no text uses it/,
  );
});

Deno.test("latest: semver publishes latest in each repository", async () => {
  const text = 'version: 1\nreleases:\n  app:\n    targets: [a.example/app, b.example/app]\n    tags: ["1.2.3"]\n' +
    "    latest: semver\n    sources: [a.example/app:amd64]\n";
  const { releases: [app] } = await parseReleaseFile(text);
  assert.deepEqual(app!.targets, [
    "a.example/app:1.2.3",
    "b.example/app:1.2.3",
    "a.example/app:latest",
    "b.example/app:latest",
  ]);
});

Deno.test("a list of images is a release if its name is given, as a sequence or as lines", async () => {
  for (const text of ["- oci:build/amd64\n- oci:build/arm64\n", "oci:build/amd64\n\noci:build/arm64\n"]) {
    const { releases } = await parseReleaseFile(text, { to: ["quay.io/me/app:1.2.3"] });
    assert.deepEqual(releases.map(({ name, targets, sources }) => ({ name, targets, sources })), [{
      name: "app",
      targets: ["quay.io/me/app:1.2.3"],
      sources: [{ image: "oci:build/amd64" }, { image: "oci:build/arm64" }],
    }]);
  }
});

Deno.test("aliases and merged tables are read, and cannot multiply without end", async () => {
  const common = "x-common: &c { annotations: { a: b }, tags: [one] }\nversion: 1\nreleases:\n  app:\n    <<: *c\n";
  const rest = "    targets: [a.example/app]\n    sources: [a.example/app:amd64]\n";
  const { releases: [app] } = await parseReleaseFile(`${common}${rest}    tags: [two]\n`);
  assert.deepEqual([app!.targets, app!.annotations], [["a.example/app:two"], { a: "b" }]);
  const rows: [string, RegExp][] = [
    [`${common}    <<: *c\n${rest}`, /:6: releases.app has the key "<<" twice, first on line 5/],
    [common.replace("*c", "[*c, *c]") + rest, /:5: releases.app has the key "annotations" twice/],
    ["x-a: &a [*a]\n", /its aliases make it too large/],
    ["x-a: &a\n  <<: *a\n", /its aliases make it too large/],
    ["x: *b\n", /:1: x uses \*b, but no &b comes before it/],
  ];
  for (const [text, message] of rows) await assert.rejects(parseReleaseFile(text), message, text);
});

Deno.test("a file of manifest-tool is a release as it is", async () => {
  const text = `image: quay.io/me/app:1.20
tags: [1.2, latest]
annotations: { a: b }
manifests:
  - image: quay.io/me/app-arm:1.20
    platform: { architecture: arm, os: linux, variant: v7 }
  - image: quay.io/me/app-windows:1.20
    platform: { architecture: amd64, os: windows, osversion: 10.0.20348.1 }
`;
  const { releases } = await parseReleaseFile(text, { to: ["ghcr.io/me/app:1.20"] });
  assert.deepEqual(releases, [{
    name: "app",
    targets: ["quay.io/me/app:1.20", "quay.io/me/app:1.2", "quay.io/me/app:latest", "ghcr.io/me/app:1.20"],
    sources: [
      { image: "quay.io/me/app-arm:1.20", platform: { architecture: "arm", os: "linux", variant: "v7" } },
      {
        image: "quay.io/me/app-windows:1.20",
        platform: { architecture: "amd64", os: "windows", osVersion: "10.0.20348.1" },
      },
    ],
    order: "given",
    require: [],
    annotations: { a: "b" },
    immutable: [],
    sign: [],
  }]);
  await assert.rejects(parseReleaseFile(text, { variables: { A: "1" } }), /it has no variable A: no text uses it/);
  await assert.rejects(
    parseReleaseFile(VALID_FILES["a template for two registries"]!, { to: ["a.example/app:1"] }),
    /it names its targets itself: leave out --to/,
  );
});
