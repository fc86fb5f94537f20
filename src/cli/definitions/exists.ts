import type { CommandDefinition } from "../definition.ts";

/** `exists`. */
export const EXISTS: CommandDefinition = {
  name: "exists",
  group: "local",
  operands: "LIST",
  min: 1,
  max: 1,
  summary: "Say by the exit code whether there is such a list",
  details: ["Exits with 0 if there is, with 1 if there is nothing of that name, with 125 if it is an ordinary image."],
  examples: [["exists app:1.0 || manifests create app:1.0", "create a list unless it is there"]],
  flags: [],
  completes: ["lists"],
  load: async () => (await import("../commands/exists.ts")).exists,
};
