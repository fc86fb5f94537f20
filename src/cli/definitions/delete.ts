import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `delete`. */
export const DELETE: CommandDefinition = {
  name: "delete",
  group: "remote",
  operands: "IMAGE...",
  min: 1,
  summary: "Delete tags from registries, and images from the local store",
  details: [
    "The images of a list are not deleted. Many registries cannot delete only a tag; --manifest deletes the manifest that " +
    "it points to, and with it all other tags of that manifest. Use rm for local lists.",
    "If a local image has other names, only the given one is removed; --manifest deletes the image with all its names. " +
    "The layers that nothing else uses are deleted with it. An error for one image does not stop the others.",
  ],
  examples: [["delete quay.io/me/app:1.0-rc1", "a tag"], ["delete quay.io/me/app@sha256:…", "a manifest"], [
    "delete containers-storage:localhost/app:1",
    "an image in the local store",
  ]],
  flags: [
    {
      name: "manifest",
      kind: "boolean",
      description: "delete the manifest and every tag that points to it, or the local image with all its names",
    },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  load: async () => (await import("../commands/delete.ts")).deleteImages,
};
