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
  REMOTE_EDIT_FLAGS,
} from "./shared_flags.ts";
import { PROGRESS_FLAGS, SIGNATURE_POLICY_FLAG } from "./transfer_flags.ts";

/** `append`. */
export const APPEND: CommandDefinition = {
  name: "append",
  group: "remote",
  operands: "REMOTE-LIST IMAGE...",
  min: 2,
  summary: "Add images to a list in a registry, in one step",
  details: [
    "No local list is used. If an image is itself a list (BuildKit pushes even a single image as one), all its images " +
    "are added, unless flags choose some of them. Prints the digest of the list in the registry. Several jobs can append " +
    "to one tag at the same time: each one checks at the end that the list contains its images, or fails. A list that " +
    "already contains the images is not written.",
    "An existing list keeps all its images, also those of an earlier build: to make the list that a release needs, however " +
    "often it runs, use compose.",
  ],
  examples: [
    ["append quay.io/me/app:1.0 quay.io/me/app:1.0-s390x", "one more image"],
    ["append --create quay.io/me/app:1.0 quay.io/me/app:1.0-amd64", "the list is created if it does not exist"],
    ["append -t 1.1 quay.io/me/app:1.0 quay.io/me/app:1.0-s390x", "a new list; 1.0 stays as it is"],
    [
      "append --platform linux/arm64 quay.io/me/app:1.0 docker://alpine:3.20",
      "the images of another list for one platform",
    ],
  ],
  flags: [
    {
      name: "all",
      kind: "boolean",
      description: "add all images of a list instead of one",
      default: "true, unless platform flags choose one",
    },
    {
      name: "platform",
      kind: "list",
      value: "OS/ARCH[/VARIANT][:OSVERSION]",
      description: "add only the images of a list for this platform, with all its variants and their attestations",
    },
    KEPT_ATTESTATIONS_FLAG,
    annotationFlag("annotation of the entry"),
    { name: "create", kind: "boolean", description: "create the list if it does not exist" },
    {
      name: "referrers",
      kind: "boolean",
      description: "also copy the referrers of images from other repositories: attestations, SBOMs, signatures",
    },
    ...REMOTE_EDIT_FLAGS,
    ...PLATFORM_FLAGS,
    MISMATCH_FLAG,
    ...DETAIL_FLAGS,
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...PROGRESS_FLAGS,
    SIGNATURE_POLICY_FLAG,
    EXPLAIN_FLAG,
    FORMAT_FLAG,
  ],
  load: async () => (await import("../commands/append.ts")).append,
};
