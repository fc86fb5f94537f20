import type { CommandDefinition } from "../definition.ts";

/** `registry`. */
export const REGISTRY: CommandDefinition = {
  name: "registry",
  operands: "serve|gc FOLDER",
  min: 2,
  max: 2,
  summary: "Run a registry whose images are in a folder, or free its disk space",
  details: [
    "For tests, demos and work without a network: plain HTTP, and everybody may do everything. Prints its address; ends " +
    "with Ctrl-C. The folder is locked: only one registry can use it.",
    "gc removes what nothing names any more, such as the layers of deleted manifests and abandoned uploads, and says how " +
    "much it freed. A running registry does the same by itself, every hour, with what has not been used for a day.",
  ],
  examples: [
    ["registry serve --port 5000 folder", "on this machine"],
    ["registry gc folder", "free disk space while it is not running"],
  ],
  flags: [
    { name: "host", kind: "text", value: "ADDRESS", description: "address to listen on", default: "127.0.0.1" },
    { name: "port", kind: "text", value: "PORT", description: "port to listen on; 0: a free one", default: "5000" },
  ],
  completes: [["serve", "gc"], "folders"],
  load: async () => (await import("../commands/registry.ts")).registry,
};
