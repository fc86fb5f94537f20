import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, REGISTRY_FLAGS } from "./shared_flags.ts";
import { CONTENT_FLAGS, PROGRESS_FLAGS, REFERRER_FLAGS, RETRY_FLAGS, SIGNING_FLAGS } from "./transfer_flags.ts";

/** `push`. */
export const PUSH: CommandDefinition = {
  name: "push",
  group: "local",
  operands: "LIST [DESTINATION]",
  min: 1,
  max: 2,
  tooMany: "only two arguments are necessary to push: source and destination",
  summary: "Push a list and its images",
  details: [
    "Without a destination, the list goes to where its name says. Blobs come first, then the images, then the list: " +
    "a push that fails leaves no list that names what is not there. Nothing is printed on stdout.",
  ],
  examples: [
    ["push app:1.0 quay.io/me/app:1.0", "to a registry"],
    ["push --digestfile digest app:1.0 oci:folder:app", "to a layout; the digest goes to a file"],
    ["push --add-compression zstd app:1.0 quay.io/me/app:1.0", "every platform with gzip and with zstd"],
    ["push --dry-run app:1.0 quay.io/me/app:1.0", "what would be done"],
  ],
  flags: [
    { name: "all", kind: "boolean", description: "push the images, not only the list", default: "true" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...CONTENT_FLAGS,
    ...SIGNING_FLAGS,
    ...REFERRER_FLAGS,
    ...RETRY_FLAGS,
    {
      name: "digestfile",
      kind: "text",
      value: "FILE",
      description: "write the digest of the pushed list to a file",
      completes: "files",
    },
    { name: "dry-run", kind: "boolean", description: "print what would be done" },
    ...PROGRESS_FLAGS,
    {
      name: "rm",
      short: "p",
      aliases: ["purge"],
      kind: "boolean",
      description: "delete the local list after it was pushed",
    },
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/push.ts")).push,
};
