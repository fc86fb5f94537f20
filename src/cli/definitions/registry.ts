import type { CommandDefinition } from "../definition.ts";

/** `registry`. */
export const REGISTRY: CommandDefinition = {
  name: "registry",
  group: "tools",
  operands: "serve|gc FOLDER",
  min: 2,
  max: 2,
  summary: "Run a registry whose images are in a folder, or free its disk space",
  details: [
    "For tests, demos, a local network and work without one. By default it speaks plain HTTP, and everybody may do " +
    "everything: --tls-cert and --tls-key, and --htpasswd, change that. Prints its address; ends with Ctrl-C. The folder is locked: only one registry can use it.",
    "gc removes what nothing names any more, such as the layers of deleted manifests and abandoned uploads, and says how " +
    "much it freed. A running registry does the same by itself, every hour, with what has not been used for a day.",
  ],
  examples: [
    ["registry serve --port 5000 folder", "on this machine"],
    [
      "registry serve --host 0.0.0.0 --tls-cert tls.crt --tls-key tls.key --htpasswd users folder",
      "for a local network, with passwords",
    ],
    ["registry gc folder", "free disk space while it is not running"],
  ],
  flags: [
    { name: "host", kind: "text", value: "ADDRESS", description: "address to listen on", default: "127.0.0.1" },
    { name: "port", kind: "text", value: "PORT", description: "port to listen on; 0: a free one", default: "5000" },
    {
      name: "htpasswd",
      kind: "text",
      value: "FILE",
      description: "users and passwords, as htpasswd -B writes them",
      default: "everybody may do everything",
      completes: "files",
    },
    {
      name: "tls-cert",
      kind: "text",
      value: "FILE",
      description: "certificate for HTTPS, with the ones that signed it, in PEM",
      default: "plain HTTP",
      completes: "files",
    },
    { name: "tls-key", kind: "text", value: "FILE", description: "key of the certificate, in PEM", completes: "files" },
  ],
  completes: [["serve", "gc"], "folders"],
  load: async () => (await import("../commands/registry.ts")).registry,
};
