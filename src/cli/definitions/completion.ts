import type { CommandDefinition } from "../definition.ts";

/** `completion`. */
export const COMPLETION: CommandDefinition = {
  name: "completion",
  group: "tools",
  operands: "SHELL",
  min: 1,
  max: 1,
  summary: "Print the completion script for bash, zsh or fish",
  details: ["The script also completes the names of local lists, and the digests and platforms of their instances."],
  examples: [["completion bash > /etc/bash_completion.d/manifests", "for all users"]],
  flags: [],
  completes: [["bash", "zsh", "fish"]],
  load: async () => (await import("../commands/completion.ts")).completion,
};
