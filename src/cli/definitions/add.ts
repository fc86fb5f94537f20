import type { CommandDefinition } from "../definition.ts";
import type { FlagDefinition } from "../flag_definition.ts";
import {
  ALL_FLAG,
  annotationFlag,
  ATTESTATIONS_FLAG,
  CREDENTIAL_FLAGS,
  DETAIL_FLAGS,
  EXPLAIN_FLAG,
  FORMAT_FLAG,
  MISMATCH_FLAG,
  PLATFORM_FLAGS,
  REGISTRY_FLAGS,
} from "./shared_flags.ts";

const ARTIFACT_FLAGS: readonly FlagDefinition[] = [
  { name: "artifact", kind: "boolean", description: "add files as an artifact" },
  {
    name: "artifact-type",
    kind: "text",
    value: "TYPE",
    description: "type of the artifact, such as application/spdx+json",
  },
  {
    name: "artifact-config",
    kind: "text",
    value: "FILE",
    description: "file with the configuration of the artifact",
    completes: "files",
  },
  {
    name: "artifact-config-type",
    kind: "text",
    value: "TYPE",
    description: "media type of the configuration of the artifact",
  },
  { name: "artifact-layer-type", kind: "text", value: "TYPE", description: "media type of the files" },
  { name: "artifact-exclude-titles", kind: "boolean", description: "do not record the names of the files" },
  {
    name: "artifact-subject",
    kind: "text",
    value: "IMAGE",
    description: "subject of the artifact: the image or list that it refers to",
  },
  { name: "artifact-annotation", kind: "list", value: "KEY=VALUE", description: "annotation of the artifact" },
];

/** `add`. */
export const ADD: CommandDefinition = {
  name: "add",
  group: "local",
  operands: "LIST IMAGE... | --artifact LIST FILE...",
  min: 2,
  summary: "Add images, or files as an artifact, to a list",
  details: [
    "Prints the id of the list and the digest of each instance. Either all images are added, or none. If an image is " +
    "itself a list, the platform flags choose one of its images; without them, its only image is added, or else the one " +
    "for this host. An image whose platform differs from the flags or from its list is rejected unless " +
    "--allow-platform-mismatch is given. Run as podman or buildah, this command only warns and records the platform of " +
    "the flags or the list, as those tools do; as podman, it always chooses by the host.",
    "The files of an artifact are not copied: they must still exist, unchanged, when the list is pushed.",
  ],
  examples: [
    ["add app:1.0 quay.io/me/app:1.0-arm64", "an image"],
    ["add --arch arm64 --variant v8 app:1.0 docker://alpine:3.20", "one image of another list"],
    ["add --os windows --arch amd64 --os-version 10.0.20348.2700 app:1.0 docker://r/win:1", "one build of Windows"],
    ["add --artifact --artifact-type application/spdx+json app:1.0 sbom.json", "a file"],
  ],
  flags: [
    ALL_FLAG,
    annotationFlag("annotation of the entry"),
    ...PLATFORM_FLAGS,
    ATTESTATIONS_FLAG,
    MISMATCH_FLAG,
    ...DETAIL_FLAGS,
    ...ARTIFACT_FLAGS,
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    EXPLAIN_FLAG,
    FORMAT_FLAG,
  ],
  completes: ["lists", "files"],
  load: async () => (await import("../commands/add.ts")).add,
};
