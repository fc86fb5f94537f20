import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `validate`. */
export const VALIDATE: CommandDefinition = {
  name: "validate",
  group: "remote",
  operands: "IMAGE",
  min: 1,
  max: 1,
  summary: "Check a list in the local store, a registry or files for errors",
  details: [
    "Reports missing or altered manifests, platforms that contradict the image, several images for one platform, " +
    "attestations of images that are not in the list, missing members that the specifications require, and missing blobs. " +
    "Layers at URLs that cannot be reached are listed as not checked. Exits with 0 if nothing is wrong, and with 1 " +
    "otherwise.",
  ],
  examples: [
    ["validate docker://quay.io/me/app:1.0", "check that every blob exists"],
    ["validate --full oci:folder:app", "read and verify every byte"],
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
