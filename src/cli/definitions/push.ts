import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, REGISTRY_FLAGS } from "./shared_flags.ts";
import {
  CONTENT_FLAGS,
  PROGRESS_FLAGS,
  REFERRER_FLAGS,
  REPORT_FLAGS,
  RETRY_FLAGS,
  SIGNING_FLAGS,
} from "./transfer_flags.ts";

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
    "Without DESTINATION, the list is pushed to the registry in its name. Blobs are written first, then the images, then " +
    "the list: a push that fails never leaves a list with missing images. Prints the digest of the pushed list; as podman " +
    "or buildah, nothing.",
  ],
  examples: [
    ["push app:1.0 quay.io/me/app:1.0", "to a registry"],
    ["push --digestfile digest app:1.0 oci:folder:app", "to an OCI layout, with the digest in a file"],
    ["push --add-compression zstd app:1.0 quay.io/me/app:1.0", "every platform both with gzip and with zstd"],
    ["push --dry-run app:1.0 quay.io/me/app:1.0", "show what would be copied"],
  ],
  flags: [
    { name: "all", kind: "boolean", description: "push the images of the list, not only the list", default: "true" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...CONTENT_FLAGS,
    ...SIGNING_FLAGS,
    ...REFERRER_FLAGS,
    ...RETRY_FLAGS,
    { name: "dry-run", kind: "boolean", description: "only print what would be copied" },
    ...PROGRESS_FLAGS,
    ...REPORT_FLAGS,
    {
      name: "rm",
      short: "p",
      aliases: ["purge"],
      kind: "boolean",
      description: "delete the local list, or only LIST if it has other names, after a successful push",
    },
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/push.ts")).push,
};
