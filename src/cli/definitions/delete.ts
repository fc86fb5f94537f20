import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `delete`. */
export const DELETE: CommandDefinition = {
  name: "delete",
  group: "remote",
  operands: "IMAGE...",
  min: 1,
  summary: "Delete tags from registries",
  details: [
    "The images of a list stay. Many registries cannot delete a tag alone; --manifest deletes what it points at, with " +
    "all tags that do. Local lists are deleted with rm.",
  ],
  examples: [["delete quay.io/me/app:1.0-rc1", "a tag"], ["delete quay.io/me/app@sha256:…", "a manifest"]],
  flags: [
    { name: "manifest", kind: "boolean", description: "delete the manifest, with every tag that points at it" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  load: async () => (await import("../commands/delete.ts")).deleteImages,
};
