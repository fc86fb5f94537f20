import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `tag`. */
export const TAG: CommandDefinition = {
  name: "tag",
  group: "remote",
  operands: "LIST|IMAGE NAME... | docker://IMAGE TAG...",
  min: 2,
  summary: "Add names to a local list or image, or tags in a registry",
  details: ["A local name that belongs to another image is only taken with --replace."],
  examples: [
    ["tag app:1.0 app:latest", "a local list"],
    ["tag docker://quay.io/me/app:1.0 1 latest", "more tags in its repository; no image is transferred"],
  ],
  flags: [
    { name: "replace", kind: "boolean", description: "take local names from the images that have them" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/tag.ts")).tag,
};
