import type { CommandDefinition } from "../definition.ts";

/** `generate-sigstore-key`. */
export const GENERATE_SIGSTORE_KEY: CommandDefinition = {
  name: "generate-sigstore-key",
  group: "trust",
  operands: "--output-prefix PREFIX",
  // The command itself checks its operands, since its messages are those of skopeo.
  min: 0,
  summary: "Generate a key pair for sigstore signatures",
  details: [
    "Writes PREFIX.private, which is encrypted with a passphrase and readable only by its owner, and PREFIX.pub. Asks for " +
    "the passphrase unless --passphrase-file is given.",
  ],
  examples: [["generate-sigstore-key --output-prefix key", "writes key.private and key.pub"]],
  flags: [
    {
      name: "output-prefix",
      kind: "text",
      value: "PREFIX",
      description: "prefix of the two file names",
      completes: "files",
    },
    {
      name: "passphrase-file",
      kind: "text",
      value: "FILE",
      description: "file whose first line is the passphrase of the private key",
      completes: "files",
    },
  ],
  load: async () => (await import("../commands/generate_sigstore_key.ts")).generateSigstoreKey,
};
