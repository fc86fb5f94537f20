/** Release files for tests. */

/** Files that are valid, with `VERSION` 1.2.3. */
export const VALID_FILES: Readonly<Record<string, string>> = {
  "a template for two registries": `# yaml-language-server: $schema=https://example.org/manifests/release.v1.json
version: 1
releases:
  app: { targets: [quay.io/me/app, ghcr.io/me/app], tags: ["1.2.3", "1.2", latest], template: { image: "quay.io/me/app:1.2.3-{arch}{variant}", platforms: [linux/amd64, linux/arm64, linux/arm/v7] }, immutable: ["*.*.*"] }
`,
  "variables, defaults, digests and an optional source": `version: 1
vars: { VERSION: "" }
defaults: { require: [linux/amd64, linux/arm64], annotations: { org.opencontainers.image.version: "\${VERSION}" }, provenance: { key: "env:COSIGN_KEY" } }
releases:
  api: { to: ["ghcr.io/me/api:\${VERSION}"], digests: { dir: /path/to/digests, repository: ghcr.io/me/api } }
  web: { to: ["ghcr.io/me/web:\${VERSION}"], sources: ["ghcr.io/me/web:amd64", { image: "ghcr.io/me/web:riscv64", optional: true }] }
`,
  "versions of Windows": `version: 1
releases:
  win: { targets: [reg.example/win], tags: [ltsc], format: v2s2, sources: [{ image: "reg.example/win:2022", platform: { os: windows, architecture: amd64, os.version: 10.0.20348.2700 } }, { image: "reg.example/win:2019", platform: "windows/amd64:10.0.17763.5458" }] }
`,
  "every key": `$schema: ./release.v1.json
x-common: &common { referrers: true, x-note: anything }
version: 1
vars: { VERSION: , CHANNEL: stable }
defaults:
  registry: quay.io/me
  annotations: { a: b }
  require: [linux/amd64]
  format: oci
  immutable: ["*.*.*", "v?"]
  latest: semver
  sign: [{ key: "env:COSIGN_KEY", passphrase: "env:COSIGN_PASSWORD" }]
  provenance: { key: "file:cosign.key", passphrase: "file:password", as: tag }
  referrers: false
releases:
  one:
    <<: *common
    targets: [app]
    tags: ["\${VERSION}", "\${CHANNEL}"]
    sources: [ "app:amd64", "oci:build/arm64", { image: "app:arm", platform: linux/arm/v7, annotations: { c: "\${VERSION}" } } ]
    platforms: [linux/amd64, linux/arm64]
    annotations: { a: c }
    latest: never
    sign: [{ gpg: 0123456789ABCDEF0123456789ABCDEF01234567 }]
`,
};

/** An invalid file, and what the message says. */
export interface InvalidFile {
  readonly text: string;
  /** End of the message, after the path of the file. */
  readonly message: string;
  /** The fault is in the text of the file, or needs more than a schema: the JSON Schema does not show it. */
  readonly formless?: boolean;
}

const head = "version: 1\nreleases:\n  app:\n";
const body = "    to: [a.example/app:1]\n    sources: [a.example/app:amd64]\n";

/** Files with one fault each. */
export const INVALID_FILES: readonly InvalidFile[] = [
  {
    text: `${head}    targets: [a.example/app]\n    tags: [latest, 1.20]\n    sources: [a.example/app:amd64]\n`,
    message: ':5: releases.app.tags[1] must be a text, but 1.20 is a number in YAML: quote it as "1.20"',
  },
  {
    text: `${head}    targets: [a.example/app]\n    tags: [yes]\n    sources: [a.example/app:amd64]\n`,
    message: ':5: releases.app.tags[0] must be a text, but yes is a boolean in YAML 1.1: quote it as "yes"',
    formless: true,
  },
  {
    text: `${head}${body}    annotations: { on: x }\n`,
    message: ':6: releases.app.annotations has the key on, which is a boolean in YAML 1.1: quote it as "on"',
    formless: true,
  },
  {
    text: `${head}${body}    referrers: on\n`,
    message: ':6: releases.app.referrers must be true or false, but is "on": write true',
  },
  {
    text: `${head}${body}    annotations: { a: ~ }\n`,
    message: ':6: releases.app.annotations.a must be a text, but ~ is null in YAML: quote it as "~"',
  },
  {
    text: `${head}${body}    annotations: { a: }\n`,
    message: ":6: releases.app.annotations.a is empty: write a value, or remove the key",
  },
  {
    text: `${head}${body}    to: [a.example/app:2]\n`,
    message: ':6: releases.app has the key "to" twice, first on line 4: remove one of them',
    formless: true,
  },
  {
    text: `${head}\t  to: [a.example/app:1]\n`,
    message: ":4: it is not valid YAML: a tab is used for indentation: use spaces",
    formless: true,
  },
  {
    text: `${head}    tag: ["1"]\n    targets: [a.example/app]\n    sources: [a.example/app:amd64]\n`,
    message: ":4: releases.app.tag is not a known key: did you mean tags?",
  },
  {
    text: `${head}${body}    plattforms: [linux/amd64]\n`,
    message: ":6: releases.app.plattforms is not a known key: did you mean platforms?",
  },
  {
    text: `version: 1\nrelease: {}\n`,
    message: ":2: release is not a known key: did you mean releases?",
  },
  { text: "version: 2\nreleases: {}\n", message: ':1: version must be 1, but is "2"' },
  { text: "releases: {}\n", message: ':1: lacks the key "version"' },
  {
    text: `${head}    sources: [a.example/app:amd64]\n`,
    message: ':3: releases.app lacks a key: it must have "targets" and "tags", or "to"',
  },
  {
    text: `${head}${body}    targets: [a.example/app]\n`,
    message: ':6: releases.app.targets cannot be used together with "to": use "targets" and "tags", or "to"',
  },
  {
    text: `${head}    targets: [a.example/app]\n    sources: [a.example/app:amd64]\n`,
    message: ':3: releases.app has "targets", which requires "tags"',
  },
  {
    text: `${head}${body}    digests: { dir: d, repository: a.example/app }\n`,
    message:
      ':6: releases.app.digests cannot be used together with "sources": use "sources", or "template", or "digests"',
  },
  {
    text: `${head}    to: [a.example/app]\n    sources: [a.example/app:amd64]\n`,
    message:
      ':4: releases.app.to[0] must be a name with a tag, such as quay.io/me/app:1.2.3: current value is "a.example/app"',
  },
  {
    text: `${head}    targets: ["a.example/app:1"]\n    tags: [a]\n    sources: [a.example/app:amd64]\n`,
    message:
      ':4: releases.app.targets[0] must be a repository without a tag, such as quay.io/me/app: current value is "a.example/app:1"',
  },
  {
    text: `${head}${body}    require: [amd64]\n`,
    message:
      ':6: releases.app.require[0] must be a platform, such as linux/arm64, linux/arm/v7 or windows/amd64:10.0.20348.1: current value is "amd64"',
  },
  {
    text: `${head}${body}    format: docker\n`,
    message: ':6: releases.app.format must be oci or v2s2, but is "docker"',
  },
  {
    text: `${head}${body}    sign: [{ key: "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----" }]\n`,
    message:
      ":6: releases.app.sign[0].key must be env:NAME or file:PATH, the place of the secret: secrets do not belong in this file",
  },
  {
    text: `${head}${body}    sign: [{ key: 12345 }]\n`,
    message:
      ":6: releases.app.sign[0].key must be env:NAME or file:PATH, the place of the secret: secrets do not belong in this file",
  },
  {
    text: `${head}    to: ["a.example/app:\${VERSIN}"]\n    sources: [a.example/app:amd64]\nvars: { VERSION: "1" }\n`,
    message: ":4: releases.app.to[0] uses the variable VERSIN, which is not set: did you mean VERSION?",
    formless: true,
  },
  {
    text: `${head}    to: ["a.example/app:\${VERSION}"]\n    sources: [a.example/app:amd64]\nvars: { VERSION: }\n`,
    message:
      ":4: releases.app.to[0] uses the variable VERSION, which is not set: set it in the environment, with --var VERSION=VALUE, or under vars",
    formless: true,
  },
  {
    text: `${head}    to: ["a.example/app:\${VERSION}"]\n    sources: [a.example/app:amd64]\nvars: { VERSION: "" }\n`,
    message:
      ':4: releases.app.to[0] must be a name with a tag, such as quay.io/me/app:1.2.3: current value is "a.example/app:"',
    formless: true,
  },
  {
    text: `${head}${body}  other:\n${body}`,
    message: ":6: releases.other publishes a.example/app:1, which is also a target of releases.app",
    formless: true,
  },
  {
    text: `${head}${body}    latest: semver\n`,
    message: ":6: releases.app.latest is semver, which requires a tag that is a version, such as 1.2.3",
    formless: true,
  },
  {
    text: `${head}    to: [a.example/app:latest]\n    sources: [a.example/app:amd64]\n    latest: never\n`,
    message: ':4: releases.app.to contains "latest", but latest is never',
    formless: true,
  },
  {
    text:
      `${head}    to: [a.example/app:1]\n    template: { image: "a.example/app:{cpu}", platforms: [linux/amd64] }\n`,
    message:
      ":5: releases.app.template.image must be a name with {os}, {arch}, {variant} or {osversion}, such as quay.io/me/app:1.2.3-{arch}{variant}: unknown placeholder {cpu}: use {os}, {arch}, {variant} or {osversion}",
    formless: true,
  },
  {
    text: `${head}    to: a.example/app:1\n    sources: [a.example/app:amd64]\n`,
    message: ":4: releases.app.to must be a list, but is a single value",
  },
  {
    text: `${head}    to: []\n    sources: [a.example/app:amd64]\n`,
    message: ":4: releases.app.to is empty",
  },
  {
    text: `${head}    to: [a.example/app:1]\n    sources: [[a]]\n`,
    message: ":5: releases.app.sources[0] must be a text or a table, but is a list",
  },
  {
    text: "- oci:a\n",
    message: ":1: it is a list of images without a name for the index: add --to NAME",
    formless: false,
  },
];
