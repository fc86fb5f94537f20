import type { CommandDefinition } from "../definition.ts";
import { REGISTRY_FLAGS } from "./shared_flags.ts";
import type { FlagDefinition } from "../flag_definition.ts";

/** Flag that names Docker's credential file. */
export const COMPAT_AUTH_FILE_FLAG: FlagDefinition = {
  name: "compat-auth-file",
  kind: "text",
  value: "FILE",
  description: "path of a credential file in Docker's format; not together with --authfile",
  completes: "files",
};

/** `login`. */
export const LOGIN: CommandDefinition = {
  name: "login",
  group: "remote",
  operands: "[REGISTRY]",
  min: 0,
  max: 1,
  summary: "Save the credentials for a registry",
  details: [
    "Asks the registry whether it accepts the credentials, and saves them only if it does. Without --username and " +
    "--password-stdin, it asks for them, or checks those that are already saved. REGISTRY can also be a namespace, such as " +
    "quay.io/me. Default: the first of unqualified-search-registries in registries.conf.",
    "The credentials are saved in the file of --authfile, --compat-auth-file or REGISTRY_AUTH_FILE, or else in " +
    "$DOCKER_CONFIG/config.json if DOCKER_CONFIG is set, or else in podman's auth.json; if the file names a credential " +
    "helper, by that helper. All tools that read these files share them.",
  ],
  examples: [
    ["login quay.io", "ask for user name and password"],
    ['login --username me --password-stdin quay.io <<< "$PASSWORD"', "in a script"],
    ["login --get-login quay.io", "the user who is logged in"],
  ],
  flags: [
    { name: "username", short: "u", kind: "text", value: "USER", description: "user name" },
    {
      name: "password",
      short: "p",
      kind: "text",
      value: "PASSWORD",
      description: "password; other users of this machine can see it, so prefer --password-stdin",
    },
    { name: "password-stdin", kind: "boolean", description: "read the password from standard input" },
    { name: "get-login", kind: "boolean", description: "print the user who is logged in, and change nothing" },
    { name: "verbose", short: "v", kind: "boolean", description: "print the place in which the credentials are saved" },
    COMPAT_AUTH_FILE_FLAG,
    ...REGISTRY_FLAGS,
  ],
  load: async () => (await import("../commands/login.ts")).login,
};
