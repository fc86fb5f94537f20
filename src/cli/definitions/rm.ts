import type { CommandDefinition } from "../definition.ts";
import { FORMAT_FLAG } from "./shared_flags.ts";

/** `rm`. */
export const RM: CommandDefinition = {
  name: "rm",
  group: "local",
  operands: "LIST...",
  min: 1,
  summary: "Delete local lists",
  details: [
    "If a list has several names, only the given name is removed. The images of a list are never deleted. An error for " +
    "one list does not stop the others. Exits with 1 if the only errors were unknown names.",
  ],
  examples: [["rm app:1.0 app:1.1", "two lists"], ["rm --ignore app:1.0", "no error if it does not exist"]],
  flags: [
    { name: "ignore", short: "i", kind: "boolean", description: "ignore lists that do not exist" },
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/rm.ts")).rm,
};
