import type { CommandDefinition } from "../definition.ts";
import { FORMAT_FLAG } from "./shared_flags.ts";

/** `version`. */
export const VERSION_COMMAND: CommandDefinition = {
  name: "version",
  group: "tools",
  operands: "",
  min: 0,
  max: 0,
  summary: "Show the versions of this tool, of Deno and of the system",
  examples: [["version --json", "for a bug report"]],
  flags: [{ name: "json", kind: "boolean", description: "the same as --format json" }, FORMAT_FLAG],
  load: async () => (await import("../commands/version.ts")).version,
};
