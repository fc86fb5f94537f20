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
    "A list with several names only loses the one that it was called by. The images of a list are never deleted. Each " +
    "list is deleted on its own: exits with 1 where all that failed were unknown.",
  ],
  examples: [["rm app:1.0 app:1.1", "two lists"], ["rm --ignore app:1.0", "no complaint where it is not there"]],
  flags: [
    { name: "ignore", short: "i", kind: "boolean", description: "do not complain about lists that are not there" },
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/rm.ts")).rm,
};
