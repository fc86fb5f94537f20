import type { CommandDefinition } from "../definition.ts";

/** `registry`. */
export const REGISTRY: CommandDefinition = {
  name: "registry",
  group: "tools",
  operands: "serve|gc FOLDER",
  min: 2,
  max: 2,
  summary: "Run a registry that stores its images in a folder, or free its disk space",
  details: [
    "serve runs a registry for tests, demos, local networks and offline work. By default it uses plain HTTP and gives " +
    "everybody full access; --tls-cert, --tls-key and --htpasswd change that. It prints its address and runs until Ctrl-C. " +
    "The folder is locked: only one registry can use it at a time. Its address, opened in a browser, shows its repositories, " +
    "tags and indexes.",
    "gc deletes data that is not referenced any more, such as layers of deleted manifests and abandoned uploads, and " +
    "prints how much space it freed. A running registry does the same every hour with data that is a day old.",
  ],
  examples: [
    ["registry serve --port 5000 folder", "on this machine"],
    [
      "registry serve --host 0.0.0.0 --tls-cert tls.crt --tls-key tls.key --htpasswd users folder",
      "for a local network, with passwords",
    ],
    ["registry gc folder", "free disk space while the registry is not running"],
  ],
  flags: [
    { name: "host", kind: "text", value: "ADDRESS", description: "address to listen on", default: "127.0.0.1" },
    {
      name: "port",
      kind: "text",
      value: "PORT",
      description: "port to listen on; 0 chooses a free port",
      default: "5000",
    },
    {
      name: "htpasswd",
      kind: "text",
      value: "FILE",
      description: "file with users and passwords, written by htpasswd -B",
      default: "everybody has full access",
      completes: "files",
    },
    {
      name: "tls-cert",
      kind: "text",
      value: "FILE",
      description: "certificate for HTTPS with its intermediate certificates, in PEM format",
      default: "plain HTTP",
      completes: "files",
    },
    {
      name: "tls-key",
      kind: "text",
      value: "FILE",
      description: "private key of the certificate, in PEM format",
      completes: "files",
    },
  ],
  completes: [["serve", "gc"], "folders"],
  load: async () => (await import("../commands/registry.ts")).registry,
};
