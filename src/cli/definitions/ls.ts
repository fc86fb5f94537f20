import type { CommandDefinition } from "../definition.ts";
import { FORMAT_FLAG } from "./shared_flags.ts";

/** `ls`. */
export const LS: CommandDefinition = {
  name: "ls",
  group: "local",
  operands: "",
  min: 0,
  max: 0,
  summary: "Show the lists in the local store",
  examples: [["ls", "their names, ids and platforms"], ["rm $(manifests ls --quiet)", "delete all lists"]],
  flags: [{ name: "quiet", short: "q", kind: "boolean", description: "print only the ids" }, FORMAT_FLAG],
  load: async () => (await import("../commands/ls.ts")).ls,
};
