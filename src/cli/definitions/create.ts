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
  summary: "Create a list, with images if any are named",
  details: [
    "Prints the id of the list. Images are looked for in the local store first, then in their registries; `docker://` " +
    "and `containers-storage:` say which is meant. Where an image cannot be added, no list is created.",
  ],
  examples: [
    ["create app:1.0", "an empty list, localhost/app:1.0"],
    ["create app:1.0 quay.io/me/app:1.0-amd64 quay.io/me/app:1.0-arm64", "a list of two images"],
    ["create --amend app:1.0 quay.io/me/app:1.0-s390x", "one more image; the list is created if there is none"],
    ["create --all mirror docker://alpine:3.20", "every image of another list"],
  ],
  flags: [
    ALL_FLAG,
    { name: "amend", short: "a", kind: "boolean", description: "use what has that name, if there is something" },
    annotationFlag("annotation of the list"),
    { name: "replace", kind: "boolean", description: "take the name from what has it, and start empty" },
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
