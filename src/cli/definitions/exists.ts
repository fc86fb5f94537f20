import type { CommandDefinition } from "../definition.ts";

/** `exists`. */
export const EXISTS: CommandDefinition = {
  name: "exists",
  group: "local",
  operands: "LIST",
  min: 1,
  max: 1,
  summary: "Check whether a list exists (exit code 0 or 1)",
  details: [
    "Exits with 0 if the list exists, with 1 if the name is not found, and with 125 if it belongs to an image.",
  ],
  examples: [["exists app:1.0 || manifests create app:1.0", "create a list unless it exists"]],
  flags: [],
  completes: ["lists"],
  load: async () => (await import("../commands/exists.ts")).exists,
};
