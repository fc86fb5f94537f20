import type { CommandDefinition } from "../definition.ts";

/** `generate-sigstore-key`. */
export const GENERATE_SIGSTORE_KEY: CommandDefinition = {
  name: "generate-sigstore-key",
  group: "trust",
  operands: "--output-prefix PREFIX",
  // What is wrong with operands, the command says in the words of skopeo.
  min: 0,
  summary: "Make a pair of keys for sigstore signatures",
  details: [
    "Writes PREFIX.private, which a passphrase encrypts and only its owner may read, and PREFIX.pub. Without a file for " +
    "the passphrase, it is asked for.",
  ],
  examples: [["generate-sigstore-key --output-prefix key", "key.private and key.pub"]],
  flags: [
    {
      name: "output-prefix",
      kind: "text",
      value: "PREFIX",
      description: "what the names of the files begin with",
      completes: "files",
    },
    {
      name: "passphrase-file",
      kind: "text",
      value: "FILE",
      description: "file whose first line encrypts the private key",
      completes: "files",
    },
  ],
  load: async () => (await import("../commands/generate_sigstore_key.ts")).generateSigstoreKey,
};
