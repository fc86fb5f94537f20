import type { CommandDefinition } from "../definition.ts";
import type { FlagDefinition } from "../flag_definition.ts";
import { PROVENANCE_FLAGS } from "./provenance_flags.ts";
import { CREDENTIAL_FLAGS, KEPT_ATTESTATIONS_FLAG, MISMATCH_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";
import { PROGRESS_FLAGS, REFERRER_FLAGS, REPORT_FLAGS, RETRY_FLAGS, SIGNING_FLAGS } from "./transfer_flags.ts";

/** Flags that name the index. */
const NAME_FLAGS: readonly FlagDefinition[] = [
  {
    name: "tag",
    short: "t",
    kind: "array",
    value: "NAME",
    description: "name of the index, in any registry; further ones can be tags in the repository of the first",
  },
  {
    name: "tags",
    kind: "array",
    value: "TEXT",
    description: "names in a text: lines, separated by commas, or JSON (an array, or an object with tags)",
  },
  {
    name: "tags-from",
    kind: "array",
    value: "FILE",
    description: "names in a file, as in --tags; - is standard input",
    completes: "files",
  },
  { name: "repository", kind: "text", value: "REPOSITORY", description: "repository of bare tags and digests" },
  {
    name: "auto-tag",
    kind: "boolean",
    description: "add the tags for --ref: 1, 1.2 and 1.2.3 for a version, latest for a branch",
  },
  { name: "ref", kind: "text", value: "REF", description: "Git reference for --auto-tag, such as refs/tags/v1.2.3" },
];

/** Flags that name the sources. */
const SOURCE_FLAGS: readonly FlagDefinition[] = [
  { name: "sources", kind: "array", value: "TEXT", description: "sources in a text, as in --tags" },
  {
    name: "sources-from",
    kind: "array",
    value: "FILE",
    description: "sources in a file, as in --tags; - is standard input",
    completes: "files",
  },
  {
    name: "digests",
    kind: "array",
    value: "FOLDER",
    description: "sources whose digests are file names in a folder, or in metadata files of buildx (*.json)",
    completes: "folders",
  },
  {
    name: "template",
    kind: "text",
    value: "NAME",
    description: "name of the source for each --platform, with {os}, {arch}, {variant} and {osversion}",
  },
  {
    name: "template-style",
    kind: "text",
    value: "STYLE",
    description: "placeholders of --template: braces, or manifest-tool (OS, ARCH, VARIANT, OSVERSION)",
    default: "braces",
    completes: ["braces", "manifest-tool"],
  },
  {
    name: "spec",
    kind: "text",
    value: "FILE",
    description: "names and sources in a YAML file of manifest-tool",
    completes: "files",
  },
  {
    name: "file",
    short: "f",
    kind: "array",
    value: "FILE",
    description: "a source in a file: a reference, a digest or a descriptor (JSON); - is standard input",
    completes: "files",
  },
  {
    name: "as",
    kind: "array",
    value: "PLATFORM=SOURCE",
    description: "a source, and the platform to record for it; a warning if the image is for another one",
  },
  {
    name: "platform",
    kind: "list",
    value: "OS[/ARCH[/VARIANT]][:OSVERSION]",
    description: "take only the images for this platform, with their attestations; see also --template",
  },
  {
    name: "require",
    kind: "list",
    value: "PLATFORM",
    description: "write nothing unless there is an image for this platform",
  },
  { name: "ignore-missing", kind: "boolean", description: "leave out sources that do not exist" },
  { name: "wait", kind: "text", value: "DURATION", description: "wait for sources that do not exist yet, such as 2m" },
  KEPT_ATTESTATIONS_FLAG,
  MISMATCH_FLAG,
];

/** Flags that describe the index and its entries. */
const INDEX_FLAGS: readonly FlagDefinition[] = [
  {
    name: "annotation",
    kind: "array",
    value: "[TYPE[PLATFORM]:]KEY=VALUE",
    description: "annotation of the index (index), or of its entries (manifest-descriptor)",
  },
  {
    name: "annotations-from",
    kind: "array",
    value: "FILE",
    description: "annotations in a file: lines, or JSON of docker/metadata-action; - is standard input",
    completes: "files",
  },
  { name: "append", kind: "boolean", description: "keep the entries of the first name, which must exist" },
  {
    name: "replace",
    kind: "boolean",
    description: "with --append: a source replaces existing images for its platform",
  },
  {
    name: "prefer-index",
    kind: "boolean",
    description: "write an index even if it has a single image",
    default: "true",
  },
  { name: "nested", kind: "boolean", description: "keep a source that is an index as one entry" },
  {
    name: "order",
    kind: "text",
    value: "ORDER",
    description: "order of the entries: given, or platform, which is the default with --digests",
    default: "given",
    completes: ["given", "platform"],
  },
  {
    name: "format",
    kind: "array",
    value: "TYPE",
    description: "format of manifests: oci or v2s2 (docker); json prints the result as JSON",
    completes: ["oci", "v2s2", "json"],
  },
  { name: "artifact-type", kind: "text", value: "TYPE", description: "artifact type of the index" },
  { name: "subject", kind: "text", value: "IMAGE", description: "image that the index refers to as its subject" },
];

/** Flags for a dry run, and for files with the result. */
const RESULT_FLAGS: readonly FlagDefinition[] = [
  { name: "dry-run", kind: "boolean", description: "only print the index, and on stderr the names that would change" },
  {
    name: "output",
    short: "o",
    kind: "text",
    value: "FILE",
    description: "write the index to a file instead of publishing it",
    completes: "files",
  },
  {
    name: "metadata-file",
    kind: "text",
    value: "FILE",
    description: "write digest, descriptor and repositories to a file, as buildx does",
    completes: "files",
  },
];

/** `compose`. */
export const COMPOSE: CommandDefinition = {
  name: "compose",
  group: "remote",
  operands: "SOURCE...",
  min: 0,
  summary: "Make an index of images and publish it under several names, in one step",
  details: [
    "No local list is used. All content is written to all repositories first, then the names: if a registry fails, no name " +
    "changes, or the error says which ones did. Names that already have this index are not written, so that a repeated " +
    "command writes nothing. A source that is an index contributes all its images and their attestations. Two sources " +
    "with different images for one platform are an error.",
    "Prints the name by digest in each repository, such as quay.io/me/app@sha256:...",
  ],
  examples: [
    ["compose -t quay.io/me/app:1.2 -t latest quay.io/me/app:1.2-amd64 quay.io/me/app:1.2-arm64", "two names"],
    [
      "compose -t quay.io/me/app:1.2 --digests digests --require linux/amd64,linux/arm64",
      "the digests that build jobs wrote",
    ],
    [
      "compose -t quay.io/me/app:1.2 --template quay.io/me/app:1.2-{arch} --platform linux/amd64,linux/arm64 --wait 2m",
      "as soon as both images exist",
    ],
    ["compose --append -t quay.io/me/app:1.2 quay.io/me/app:1.2-riscv64", "add an image to an existing index"],
    ["compose --dry-run -t quay.io/me/app:1.2 quay.io/me/app:1.2-amd64", "show the index, and what would change"],
  ],
  flags: [
    ...NAME_FLAGS,
    ...SOURCE_FLAGS,
    ...INDEX_FLAGS,
    ...RESULT_FLAGS,
    ...REPORT_FLAGS,
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...SIGNING_FLAGS,
    ...PROVENANCE_FLAGS,
    ...REFERRER_FLAGS,
    ...RETRY_FLAGS,
    ...PROGRESS_FLAGS,
  ],
  load: async () => (await import("../commands/compose.ts")).compose,
};
