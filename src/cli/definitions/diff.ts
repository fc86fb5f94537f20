import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `diff`. */
export const DIFF: CommandDefinition = {
  name: "diff",
  group: "remote",
  operands: "LIST LIST",
  min: 2,
  max: 2,
  summary: "Compare two lists, wherever they are",
  details: [
    "Prints what the second list lacks (-), has besides (+) and has differently (~). Exits with 0 where both say the " +
    "same, with 1 where not.",
  ],
  examples: [
    ["diff app:1.0 docker://quay.io/me/app:1.0", "the local list and the pushed one"],
    ["diff docker://alpine:3.19 docker://alpine:3.20", "two lists in registries"],
  ],
  flags: [...REGISTRY_FLAGS, ...CREDENTIAL_FLAGS, FORMAT_FLAG],
  completes: ["lists", "lists"],
  load: async () => (await import("../commands/diff.ts")).diff,
};
