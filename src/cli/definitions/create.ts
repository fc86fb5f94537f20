import type { CommandDefinition } from "../definition.ts";
import {
  ALL_FLAG,
  annotationFlag,
  ATTESTATIONS_FLAG,
  CREDENTIAL_FLAGS,
  EXPLAIN_FLAG,
  FORMAT_FLAG,
  MISMATCH_FLAG,
  PLATFORM_FLAGS,
  REGISTRY_FLAGS,
} from "./shared_flags.ts";

/** `create`. */
export const CREATE: CommandDefinition = {
  name: "create",
  group: "local",
  operands: "LIST [IMAGE...]",
  min: 1,
  summary: "Create a list, optionally with images",
  details: [
    "Prints the id of the list. Images are first looked up in the local store, then in their registries; the prefixes " +
    "`containers-storage:` and `docker://` select one of them. If an image cannot be added, no list is created.",
  ],
  examples: [
    ["create app:1.0", "an empty list, localhost/app:1.0"],
    ["create app:1.0 quay.io/me/app:1.0-amd64 quay.io/me/app:1.0-arm64", "a list of two images"],
    ["create --amend app:1.0 quay.io/me/app:1.0-s390x", "add an image; the list is created if it does not exist"],
    ["create --all mirror docker://alpine:3.20", "every image of another list"],
  ],
  flags: [
    ALL_FLAG,
    {
      name: "amend",
      short: "a",
      kind: "boolean",
      description:
        "add to the existing list of this name, if there is one; an image of this name becomes its first instance",
    },
    annotationFlag("annotation of the list"),
    {
      name: "replace",
      kind: "boolean",
      description: "take the name from the list or image that has it, and start with an empty list",
    },
    ...PLATFORM_FLAGS,
    ATTESTATIONS_FLAG,
    MISMATCH_FLAG,
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    EXPLAIN_FLAG,
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/create.ts")).create,
};
