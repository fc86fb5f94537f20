import type { CommandDefinition } from "../definition.ts";

/** `registry`. */
export const REGISTRY: CommandDefinition = {
  name: "registry",
  operands: "serve FOLDER",
  min: 2,
  max: 2,
  summary: "Run a registry whose images are in a folder",
  details: [
    "For tests, demos and work without a network: plain HTTP, and everybody may do everything. Prints its address; ends " +
    "with Ctrl-C.",
  ],
  examples: [["registry serve --port 5000 folder", "on this machine"]],
  flags: [
    { name: "host", kind: "text", value: "ADDRESS", description: "address to listen on", default: "127.0.0.1" },
    { name: "port", kind: "text", value: "PORT", description: "port to listen on; 0: a free one", default: "5000" },
  ],
  completes: [["serve"], "folders"],
  load: async () => (await import("../commands/registry.ts")).registry,
};
