import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS, WEB_FLAGS } from "./shared_flags.ts";

/** `diff`. */
export const DIFF: CommandDefinition = {
  name: "diff",
  group: "remote",
  operands: "LIST LIST",
  min: 2,
  max: 2,
  summary: "Compare two lists in the local store, registries or files",
  details: [
    "Prints the instances that only the first list has (-), that only the second list has (+) and that differ (~). Exits " +
    "with 0 if the lists are equal, and with 1 if they differ.",
    "--web shows both lists side by side on a web page, which only this machine can open, until Ctrl-C.",
  ],
  examples: [
    ["diff app:1.0 docker://quay.io/me/app:1.0", "the local list and the pushed one"],
    ["diff docker://alpine:3.19 docker://alpine:3.20", "two lists in registries"],
  ],
  flags: [...REGISTRY_FLAGS, ...CREDENTIAL_FLAGS, FORMAT_FLAG, ...WEB_FLAGS],
  completes: ["lists", "lists"],
  load: async () => (await import("../commands/diff.ts")).diff,
};
