import type { CommandDefinition } from "../definition.ts";
import {
  annotationFlag,
  CREDENTIAL_FLAGS,
  DETAIL_FLAGS,
  FORMAT_FLAG,
  PLATFORM_FLAGS,
  REGISTRY_FLAGS,
} from "./shared_flags.ts";

/** `annotate`. */
export const ANNOTATE: CommandDefinition = {
  name: "annotate",
  group: "local",
  operands: "LIST INSTANCE | --index LIST",
  min: 1,
  max: 2,
  summary: "Change the platform or annotations of an instance, or the annotations of a list",
  details: [
    "INSTANCE is a digest, the file of an artifact, a platform such as linux/arm64 or windows/amd64:10.0.20348.2700, or " +
    "an image. Annotations are added to the existing ones; features replace the existing ones. --arch without --variant " +
    "clears the variant. A list named docker://… is edited in its registry; concurrent edits are preserved.",
  ],
  examples: [
    ["annotate --annotation org.example.tested=yes app:1.0 sha256:…", "an instance"],
    ["annotate --variant v7 app:1.0 linux/arm", "the instance for a platform"],
    ["annotate --remove org.example.tested app:1.0 linux/arm64", "without an annotation"],
    ["annotate --index --annotation org.example.team=release app:1.0", "the list itself"],
    ["annotate --annotation org.example.tested=yes docker://quay.io/me/app:1.0 linux/arm64", "in a registry"],
  ],
  flags: [
    annotationFlag("annotation"),
    { name: "remove", kind: "array", value: "KEY", description: "remove this annotation; unchanged if it is not set" },
    { name: "index", kind: "boolean", description: "change the list instead of an instance" },
    {
      name: "subject",
      kind: "text",
      value: "IMAGE",
      description: "set the subject of the list: the image that it refers to; implies --index",
    },
    ...PLATFORM_FLAGS.map(({ name, kind, value = "" }) => ({ name, kind, value, description: `set ${name}` })),
    ...DETAIL_FLAGS,
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  completes: ["lists", "instances"],
  load: async () => (await import("../commands/annotate.ts")).annotate,
};
