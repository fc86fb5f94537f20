import type { CommandDefinition } from "../definition.ts";
import { FORMAT_FLAG } from "./shared_flags.ts";

/** `ls`. */
export const LS: CommandDefinition = {
  name: "ls",
  group: "local",
  operands: "",
  min: 0,
  max: 0,
  summary: "Show the lists, or the images, in the local store",
  examples: [["ls", "their names, ids and platforms"], ["rm $(manifests ls --quiet)", "delete all lists"], [
    "ls --images",
    "the other images of the store",
  ]],
  flags: [
    { name: "images", kind: "boolean", description: "show the images instead of the lists" },
    { name: "quiet", short: "q", kind: "boolean", description: "print only the ids" },
    FORMAT_FLAG,
  ],
  load: async () => (await import("../commands/ls.ts")).ls,
};
