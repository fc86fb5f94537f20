import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, KEPT_ATTESTATIONS_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";
import { CONTENT_FLAGS, PROGRESS_FLAGS, REFERRER_FLAGS, RETRY_FLAGS, SIGNING_FLAGS } from "./transfer_flags.ts";

/** `copy`. */
export const COPY: CommandDefinition = {
  name: "copy",
  group: "remote",
  operands: "SOURCE DESTINATION",
  min: 2,
  max: 2,
  summary: "Copy an image or a list from anywhere to anywhere",
  details: [
    "Digests stay, unless something has to change. With --platform, the list is written anew with the images that are " +
    "chosen, whose digests stay, and their attestations. What is copied is judged by policy.json, as skopeo does; without one, it is refused.",
  ],
  examples: [
    ["copy docker://alpine:3.20 quay.io/me/alpine:3.20", "a list with all its images"],
    ["copy --platform linux/amd64 --platform linux/arm64 docker://alpine:3.20 oci:folder:alpine", "some of them"],
    [
      "copy --platform windows/amd64:10.0.20348.2700 docker://r/win:1 docker://quay.io/me/win:1",
      "one build of Windows",
    ],
  ],
  flags: [
    {
      name: "platform",
      kind: "list",
      value: "OS/ARCH[/VARIANT][:OSVERSION]",
      description: "copy only the images for this platform, with its variants and their attestations",
    },
    KEPT_ATTESTATIONS_FLAG,
    { name: "preserve-digests", kind: "boolean", description: "fail rather than change a manifest" },
    { name: "dry-run", kind: "boolean", description: "print what would be done" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...CONTENT_FLAGS,
    ...SIGNING_FLAGS,
    {
      name: "remove-list-signatures",
      kind: "boolean",
      description: "leave out the signatures of the list, and keep those of its images",
    },
    ...REFERRER_FLAGS,
    { name: "insecure-policy", kind: "boolean", description: "copy whatever it is, without a policy.json" },
    ...RETRY_FLAGS,
    ...PROGRESS_FLAGS,
  ],
  completes: ["lists", "folders"],
  load: async () => (await import("../commands/copy.ts")).copy,
};
