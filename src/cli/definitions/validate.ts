import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `validate`. */
export const VALIDATE: CommandDefinition = {
  name: "validate",
  group: "remote",
  operands: "IMAGE",
  min: 1,
  max: 1,
  summary: "Look for what is wrong with a list, wherever it is",
  details: [
    "Manifests that are missing or not what the list says, platforms that contradict the image, two images for one " +
    "platform, attestations of images that are not in the list, members that the specifications require, blobs that are " +
    "missing. Layers at URLs that cannot be reached are listed as not checked. Exits with 0 if nothing is wrong, with 1 " +
    "if something is.",
  ],
  examples: [
    ["validate docker://quay.io/me/app:1.0", "asks for every blob"],
    ["validate --full oci:folder:app", "reads every byte"],
  ],
  flags: [
    { name: "full", kind: "boolean", description: "read and verify every byte of every blob" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/validate.ts")).validate,
};
