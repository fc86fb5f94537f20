import type { CommandDefinition } from "../definition.ts";
import {
  annotationFlag,
  CREDENTIAL_FLAGS,
  DETAIL_FLAGS,
  EXPLAIN_FLAG,
  FORMAT_FLAG,
  KEPT_ATTESTATIONS_FLAG,
  MISMATCH_FLAG,
  PLATFORM_FLAGS,
  REGISTRY_FLAGS,
} from "./shared_flags.ts";
import { PROGRESS_FLAGS } from "./transfer_flags.ts";

/** `append`. */
export const APPEND: CommandDefinition = {
  name: "append",
  group: "remote",
  operands: "REMOTE-LIST IMAGE...",
  min: 2,
  summary: "Add images to a list in a registry, in one step",
  details: [
    "No local list is involved. An image that is a list, as BuildKit pushes even a single image, adds all that it has, " +
    "unless flags choose. Prints the digest of the list in the registry. Several jobs may append to one tag at the " +
    "same time: each makes sure that its images are there in the end, or fails. A list that has all the images already " +
    "is not written.",
  ],
  examples: [
    ["append quay.io/me/app:1.0 quay.io/me/app:1.0-s390x", "one more image"],
    ["append --create quay.io/me/app:1.0 quay.io/me/app:1.0-amd64", "the list is made if there is none"],
    ["append --platform linux/arm64 quay.io/me/app:1.0 docker://alpine:3.20", "some of another list"],
  ],
  flags: [
    {
      name: "all",
      kind: "boolean",
      description: "add every image of a list, not only one",
      default: "true, unless flags choose one",
    },
    {
      name: "platform",
      kind: "list",
      value: "OS/ARCH[/VARIANT][:OSVERSION]",
      description: "add only the images of a list for this platform, with its variants and their attestations",
    },
    KEPT_ATTESTATIONS_FLAG,
    annotationFlag("annotation of the entry"),
    { name: "create", kind: "boolean", description: "begin with an empty list where there is none" },
    ...PLATFORM_FLAGS,
    MISMATCH_FLAG,
    ...DETAIL_FLAGS,
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...PROGRESS_FLAGS,
    EXPLAIN_FLAG,
    FORMAT_FLAG,
  ],
  load: async () => (await import("../commands/append.ts")).append,
};
