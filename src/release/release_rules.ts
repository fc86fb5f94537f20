import {
  FILLED,
  GLOB,
  IMAGE,
  PLATFORM,
  REGISTRY,
  RELEASE_NAME,
  REPOSITORY,
  SECRET,
  TAG,
  TAGGED,
  TEMPLATE,
  VARIABLE_FORMAT,
} from "./document/formats.ts";
import type { ListRule, MapRule, Rule, TextRule } from "./document/rules.ts";

const PLATFORM_TEXT = {
  kind: "text",
  description: "A platform: os/architecture[/variant][:os.version].",
  examples: ["linux/amd64", "linux/arm/v7", "windows/amd64:10.0.20348.2700"],
  format: PLATFORM,
} as const satisfies TextRule;

const PLATFORM_RULE = {
  kind: "either",
  description: "Platform of the image, if its configuration does not say it completely.",
  examples: ["linux/arm/v7", { os: "windows", architecture: "amd64", "os.version": "10.0.20348.2700" }],
  options: [
    PLATFORM_TEXT,
    {
      kind: "table",
      description: "A platform, by its members.",
      required: ["os", "architecture"],
      members: {
        os: { kind: "text", description: "Operating system.", examples: ["linux", "windows"], format: FILLED },
        architecture: { kind: "text", description: "CPU architecture.", examples: ["amd64", "arm64"], format: FILLED },
        variant: { kind: "text", description: "Variant of the architecture.", examples: ["v7"], format: FILLED },
        "os.version": {
          kind: "text",
          description: "Version of the operating system.",
          examples: ["10.0.20348.2700"],
          format: FILLED,
        },
        "os.features": {
          kind: "list",
          description: "Features that the image requires of the operating system.",
          examples: [["win32k"]],
          items: { kind: "text", description: "A feature.", examples: ["win32k"], format: FILLED },
        },
      },
    },
  ],
} as const satisfies Rule;

const ANNOTATIONS = {
  kind: "map",
  description: "Annotations of the index. Those of a release are added to those of defaults.",
  examples: [{ "org.opencontainers.image.version": "${VERSION}" }],
  keys: FILLED,
  values: { kind: "text", description: "Value of the annotation.", examples: ["1.2.3"] },
} as const satisfies MapRule;

const REQUIRE = {
  kind: "list",
  description: "Platforms that the index must have. If one is missing, nothing is written.",
  examples: [["linux/amd64", "linux/arm64"]],
  items: PLATFORM_TEXT,
} as const satisfies ListRule;

const FORMAT = {
  kind: "text",
  description: "Format of the index and its images. Default: the images stay as they are.",
  examples: ["oci", "v2s2"],
  choices: ["oci", "v2s2"],
} as const satisfies TextRule;

const IMMUTABLE = {
  kind: "list",
  description: "Patterns of tags that must not move: a tag that names another image already is an error.",
  examples: [["*.*.*"]],
  items: { kind: "text", description: "A pattern of tags.", examples: ["*.*.*", "v*"], format: GLOB },
} as const satisfies ListRule;

const LATEST = {
  kind: "text",
  description:
    "The tag latest. semver: publish it too, unless the repository has a tag with a newer version, and not " +
    "for pre-releases. never: refuse to publish it. Default: it is a tag like any other.",
  examples: ["semver"],
  choices: ["semver", "never"],
} as const satisfies TextRule;

const PASSPHRASE = {
  kind: "text",
  description: "Place of the passphrase of the key: env:NAME or file:PATH. Default: the key has none.",
  examples: ["env:COSIGN_PASSWORD"],
  format: SECRET,
} as const satisfies TextRule;

const KEY = {
  kind: "text",
  description: "Place of the private key: env:NAME or file:PATH. The key itself does not belong in this file.",
  examples: ["env:COSIGN_KEY", "file:cosign.key"],
  format: SECRET,
} as const satisfies TextRule;

const SIGN = {
  kind: "list",
  description: "Keys that sign the index and its images.",
  examples: [[{ key: "env:COSIGN_KEY", passphrase: "env:COSIGN_PASSWORD" }]],
  items: {
    kind: "table",
    description: "A key that signs.",
    alternatives: [[["key"], ["gpg"]]],
    members: {
      key: KEY,
      gpg: {
        kind: "text",
        description: "Fingerprint of a key in the keyring of GnuPG.",
        examples: ["0123456789ABCDEF0123456789ABCDEF01234567"],
        format: { name: "a fingerprint of 40 hexadecimal digits", pattern: "^[0-9A-Fa-f]{40}$" },
      },
      passphrase: PASSPHRASE,
    },
  },
} as const satisfies ListRule;

const PROVENANCE = {
  kind: "table",
  description: "Attach a signed statement of what the index was made of (SLSA provenance).",
  examples: [{ key: "env:COSIGN_KEY" }],
  required: ["key"],
  members: {
    key: KEY,
    passphrase: PASSPHRASE,
    as: {
      kind: "text",
      description: "How it is attached: a sigstore bundle as a referrer, or cosign's tag .att. Default: bundle.",
      examples: ["bundle"],
      choices: ["bundle", "tag"],
    },
  },
} as const satisfies Rule;

const REFERRERS = {
  kind: "flag",
  description: "Also copy the referrers of the images: attestations, SBOMs and signatures. Default: false.",
  examples: [true],
} as const satisfies Rule;

const SOURCE = {
  kind: "either",
  description: "An image, or an index whose images are taken.",
  examples: ["quay.io/me/app:1.2.3-amd64", { image: "quay.io/me/app:1.2.3-riscv64", optional: true }],
  options: [
    { kind: "text", description: "Name of the image.", examples: ["quay.io/me/app:1-amd64"], format: IMAGE },
    {
      kind: "table",
      description: "An image with what the index records about it.",
      required: ["image"],
      members: {
        image: {
          kind: "text",
          description: "Name of the image. A name without a registry is completed by defaults.registry.",
          examples: ["quay.io/me/app:1.2.3-arm64", "oci:build/arm64"],
          format: IMAGE,
        },
        platform: PLATFORM_RULE,
        annotations: { ...ANNOTATIONS, description: "Annotations of the image's entry in the index." },
        optional: {
          kind: "flag",
          description: "Continue without this image if it does not exist. Default: false.",
          examples: [true],
        },
      },
    },
  ],
} as const satisfies Rule;

const RELEASE = {
  kind: "table",
  description: "One index, and the tags that it gets.",
  alternatives: [[["targets", "tags"], ["to"]], [["sources"], ["template"], ["digests"]]],
  members: {
    targets: {
      kind: "list",
      description: "Repositories that get the index, each with all tags.",
      examples: [["quay.io/me/app", "ghcr.io/me/app"]],
      isFilled: true,
      items: { kind: "text", description: "A repository.", examples: ["quay.io/me/app"], format: REPOSITORY },
    },
    tags: {
      kind: "list",
      description: "Tags in each of the targets.",
      examples: [["1.2.3", "1.2", "latest"]],
      isFilled: true,
      items: { kind: "text", description: "A tag.", examples: ["1.2.3", "${VERSION}"], format: TAG },
    },
    to: {
      kind: "list",
      description: "Names of the index, instead of targets and tags.",
      examples: [["quay.io/me/app:1.2.3", "ghcr.io/me/app:1.2.3"]],
      isFilled: true,
      items: { kind: "text", description: "A name.", examples: ["ghcr.io/me/app:${VERSION}"], format: TAGGED },
    },
    sources: {
      kind: "list",
      description: "Images and indexes of which the index is made.",
      examples: [["quay.io/me/app:1.2.3-amd64", "quay.io/me/app:1.2.3-arm64"]],
      isFilled: true,
      items: SOURCE,
    },
    template: {
      kind: "table",
      description: "Images whose names differ only by their platforms.",
      examples: [{ image: "quay.io/me/app:1.2.3-{arch}{variant}", platforms: ["linux/amd64", "linux/arm/v7"] }],
      required: ["image", "platforms"],
      members: {
        image: {
          kind: "text",
          description: "Name of the images, with {os}, {arch}, {variant} and {osversion} for the parts of a platform.",
          examples: ["quay.io/me/app:1.2.3-{arch}{variant}"],
          format: TEMPLATE,
        },
        platforms: {
          kind: "list",
          description: "Platforms of the images. An image for another platform is an error.",
          examples: [["linux/amd64", "linux/arm64", "linux/arm/v7"]],
          isFilled: true,
          items: PLATFORM_TEXT,
        },
      },
    },
    digests: {
      kind: "table",
      description: "Images by digest: a folder with a file for each, as docker/build-push-action recipes write it.",
      examples: [{ dir: "/tmp/digests", repository: "ghcr.io/me/app" }],
      required: ["dir", "repository"],
      members: {
        dir: {
          kind: "text",
          description: "Path of the folder. A relative path begins at the folder of this file.",
          examples: ["digests"],
          format: FILLED,
        },
        repository: {
          kind: "text",
          description: "Repository that has the images.",
          examples: ["ghcr.io/me/app"],
          format: REPOSITORY,
        },
      },
    },
    require: REQUIRE,
    platforms: {
      kind: "list",
      description: "Take only the images for these platforms, with their attestations. Default: all.",
      examples: [["linux/amd64", "linux/arm64"]],
      items: PLATFORM_TEXT,
    },
    annotations: ANNOTATIONS,
    format: FORMAT,
    immutable: IMMUTABLE,
    latest: LATEST,
    sign: SIGN,
    provenance: PROVENANCE,
    referrers: REFERRERS,
  },
} as const satisfies Rule;

/** Rule for the variables of a release file. They are read first, because all other texts can use them. */
export const VARIABLES_RULE = {
  kind: "map",
  description:
    "Variables for ${NAME} in other texts, with their defaults. --var NAME=VALUE and the environment replace " +
    "a default; without one, the variable must be set.",
  examples: [{ VERSION: null, CHANNEL: "stable" }],
  keys: VARIABLE_FORMAT,
  values: {
    kind: "text",
    description: "Default of the variable.",
    examples: ["1.2.3"],
    isLiteral: true,
    mayBeEmpty: true,
  },
} as const satisfies MapRule;

/** Rule for a release file: the check of files and the JSON Schema are made from it. */
export const RELEASE_FILE_RULE = {
  kind: "table",
  description: "A release file of manifests: the indexes of a product, and the tags that each of them gets.",
  required: ["version", "releases"],
  members: {
    $schema: { kind: "text", description: "Address of the JSON Schema, for editors.", isLiteral: true },
    version: { kind: "number", description: "Version of the file format.", examples: [1], value: 1 },
    vars: VARIABLES_RULE,
    defaults: {
      kind: "table",
      description: "Settings for all releases. Those of a release replace them; annotations are merged.",
      examples: [{ registry: "quay.io/me", require: ["linux/amd64", "linux/arm64"] }],
      members: {
        registry: {
          kind: "text",
          description: "Prefix of names that do not begin with a registry. Default: docker.io.",
          examples: ["quay.io/me"],
          format: REGISTRY,
        },
        annotations: ANNOTATIONS,
        require: REQUIRE,
        format: FORMAT,
        immutable: IMMUTABLE,
        latest: LATEST,
        sign: SIGN,
        provenance: PROVENANCE,
        referrers: REFERRERS,
      },
    },
    releases: {
      kind: "map",
      description: "The releases by name.",
      examples: [{ app: { to: ["quay.io/me/app:1"], sources: ["quay.io/me/app:1-amd64", "quay.io/me/app:1-arm64"] } }],
      keys: RELEASE_NAME,
      values: RELEASE,
    },
  },
} as const satisfies Rule;
