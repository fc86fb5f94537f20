import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `tags`. */
export const TAGS: CommandDefinition = {
  name: "tags",
  group: "remote",
  operands: "REPOSITORY",
  min: 1,
  max: 1,
  summary: "List the tags of a repository in a registry",
  details: [
    "Prints one tag on each line, sorted by the numbers in them: v9 comes before v10. Tags such as sha256-…, under which " +
    "signatures and attestations are stored, are only listed with --all.",
  ],
  examples: [
    ["tags quay.io/me/app", "all tags"],
    ["tags --match '^v1\\.' --sort=-semver --limit 1 quay.io/me/app", "the newest version 1"],
    ["tags --digests quay.io/me/app", "which tags have the same digest"],
  ],
  flags: [
    { name: "all", short: "a", kind: "boolean", description: "also list the tags of signatures and attestations" },
    { name: "digests", kind: "boolean", description: "print the digest of each tag; one request per tag" },
    { name: "match", kind: "text", value: "REGEXP", description: "list only tags that match; ^ and $ are its ends" },
    { name: "exclude", kind: "text", value: "REGEXP", description: "do not list tags that match" },
    {
      name: "sort",
      kind: "text",
      value: "ORDER",
      description: "natural, name, semver or registry (the order of the registry); -ORDER reverses it",
      default: "natural",
      completes: ["natural", "name", "semver", "registry", "-natural", "-name", "-semver"],
    },
    { name: "limit", kind: "text", value: "COUNT", description: "maximum number of tags" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  load: async () => (await import("../commands/tags.ts")).tags,
};
