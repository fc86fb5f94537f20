import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, KEPT_ATTESTATIONS_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";
import {
  CONTENT_FLAGS,
  PROGRESS_FLAGS,
  REFERRER_FLAGS,
  REPORT_FLAGS,
  RETRY_FLAGS,
  SIDE_FLAGS,
  SIGNING_FLAGS,
} from "./transfer_flags.ts";

/** `copy`. */
export const COPY: CommandDefinition = {
  name: "copy",
  group: "remote",
  operands: "SOURCE DESTINATION...",
  min: 2,
  summary: "Copy an image or a list between registries, layouts, archives and the local store",
  details: [
    "Digests are preserved unless a flag or the destination requires a change. With --platform, a new list of the chosen " +
    "images and their attestations is written; the images keep their digests. Places without lists, such as " +
    "docker-archive:, take the image for one platform, by default that of this host. Like skopeo, this command checks each image " +
    "against policy.json. Without that file, it refuses to copy; see --insecure-policy.",
    "Several destinations are written one after the other; if one fails, the others are still written. With --all-tags, " +
    "SOURCE and the destinations are repositories without a tag. Prints the digest at each destination.",
  ],
  examples: [
    ["copy docker://alpine:3.20 quay.io/me/alpine:3.20", "a list with all its images"],
    ["copy --platform linux/amd64 --platform linux/arm64 docker://alpine:3.20 oci:folder:alpine", "two of its images"],
    ["copy docker://quay.io/me/app:1 docker://ghcr.io/me/app:1 oci:folder:app", "several destinations"],
    ["copy --all-tags docker://quay.io/me/app docker://ghcr.io/me/app", "all tags of a repository"],
    [
      "copy --src-creds me:p1 --dest-tls-verify=false docker://quay.io/me/app docker://localhost:5000/app",
      "different access",
    ],
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
      description: "copy only the images for this platform, with all its variants and their attestations",
    },
    { name: "all-tags", kind: "boolean", description: "copy every tag of the repository SOURCE" },
    KEPT_ATTESTATIONS_FLAG,
    { name: "preserve-digests", kind: "boolean", description: "fail if a manifest would have to change" },
    { name: "dry-run", kind: "boolean", description: "only print what would be copied" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...SIDE_FLAGS,
    ...CONTENT_FLAGS,
    ...SIGNING_FLAGS,
    {
      name: "remove-list-signatures",
      kind: "boolean",
      description: "do not copy the signatures of the list; copy those of its images",
    },
    ...REFERRER_FLAGS,
    { name: "insecure-policy", kind: "boolean", description: "accept every image, without reading policy.json" },
    ...RETRY_FLAGS,
    ...PROGRESS_FLAGS,
    ...REPORT_FLAGS,
  ],
  completes: ["lists", "folders"],
  load: async () => (await import("../commands/copy.ts")).copy,
};
