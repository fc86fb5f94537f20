import type { CommandDefinition } from "../definition.ts";
import { COMPAT_AUTH_FILE_FLAG } from "./login.ts";
import { REGISTRY_FLAGS } from "./shared_flags.ts";

/** `logout`. */
export const LOGOUT: CommandDefinition = {
  name: "logout",
  group: "remote",
  operands: "[REGISTRY]",
  min: 0,
  max: 1,
  summary: "Delete the saved credentials for a registry",
  details: ["The credentials are deleted where login saves them, also in the credential helper that the file names."],
  examples: [["logout quay.io", "one registry"], ["logout --all", "all registries"]],
  flags: [
    { name: "all", short: "a", kind: "boolean", description: "delete the credentials for all registries" },
    COMPAT_AUTH_FILE_FLAG,
    ...REGISTRY_FLAGS.filter(({ name }) => name === "authfile"),
  ],
  load: async () => (await import("../commands/login.ts")).logout,
};
