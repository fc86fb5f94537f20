import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";
import { PROGRESS_FLAGS, REPORT_FLAGS, RETRY_FLAGS, SIGNATURE_POLICY_FLAG } from "./transfer_flags.ts";

/** `release`. */
export const RELEASE: CommandDefinition = {
  name: "release",
  group: "remote",
  operands: "plan|lock|apply|schema [RELEASE...]",
  min: 1,
  summary: "Publish all indexes of a product as a file describes them",
  details: [
    "The file (manifests.yaml) describes each index: its images, its tags in one or more registries, and conditions. plan shows " +
    "what would be added, moved and kept, per platform, and writes nothing. apply publishes it: the content is written to all " +
    "registries first, then each tag, if it is still as the plan found it. A second apply writes nothing.",
    "lock records the digests of the images in manifests.yaml.lock.json; plan and apply use them until --update. apply also " +
    "records there what it published. A tag that is not as it was published last is drift: nothing is overwritten without " +
    "--force. schema prints the JSON Schema of the file, for editors.",
    "Exit codes: 0 done or nothing to do; 1 error; 2 plan --detailed-exitcode found changes; 3 drift. A file of " +
    "manifest-tool, or a list of images with --to, can be used instead of a release file.",
  ],
  examples: [
    ["release plan --var VERSION=1.2.3", "show what would be published"],
    ["release apply --frozen --var VERSION=1.2.3", "publish exactly the images of the lock file"],
    ["release apply --prune app", "publish one release, and delete its tags that are not in the file any more"],
    ["release schema", "print the JSON Schema of release files"],
  ],
  flags: [
    {
      name: "file",
      short: "f",
      kind: "text",
      value: "FILE",
      description: "path of the release file",
      default: "manifests.yaml",
      completes: "files",
    },
    {
      name: "var",
      kind: "array",
      value: "NAME=VALUE",
      description: "value of a variable of the file; replaces the environment and the default in the file",
    },
    { name: "to", kind: "array", value: "NAME", description: "name of the index, for a file that is a list of images" },
    {
      name: "update",
      kind: "boolean",
      description: "use the current images of all names, and record them in the lock file",
    },
    {
      name: "frozen",
      kind: "boolean",
      description: "fail if the lock file does not have exactly the images of the file",
    },
    { name: "force", kind: "boolean", description: "overwrite tags that other writers changed" },
    {
      name: "prune",
      kind: "boolean",
      description: "delete tags that the lock file has, but the file does not have any more",
    },
    { name: "detailed-exitcode", kind: "boolean", description: "end plan with 2 if it found changes" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...RETRY_FLAGS,
    ...PROGRESS_FLAGS,
    ...REPORT_FLAGS,
    SIGNATURE_POLICY_FLAG,
    FORMAT_FLAG,
  ],
  completes: [["plan", "lock", "apply", "schema"]],
  load: async () => (await import("../commands/release.ts")).release,
};
