import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `tag`. */
export const TAG: CommandDefinition = {
  name: "tag",
  group: "remote",
  operands: "LIST NAME... | docker://IMAGE TAG...",
  min: 2,
  summary: "Give a list further names, locally or in its registry",
  details: ["Locally, a name that another image has is left to it, unless --replace says otherwise."],
  examples: [
    ["tag app:1.0 app:latest", "a local list"],
    ["tag docker://quay.io/me/app:1.0 1 latest", "further tags in its repository; no image is sent"],
  ],
  flags: [
    { name: "replace", kind: "boolean", description: "take local names from what has them" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/tag.ts")).tag,
};
