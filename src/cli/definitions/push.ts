import type { CommandDefinition, FlagDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, REGISTRY_FLAGS } from "./shared_flags.ts";

const COMPRESSIONS = ["gzip", "zstd", "zstd:chunked"];

/** How the images that are pushed shall be. */
const CONTENT_FLAGS: readonly FlagDefinition[] = [
  {
    name: "format",
    short: "f",
    kind: "array",
    value: "TYPE",
    description: "write manifests as oci or v2s2 (docker); json prints the result",
    completes: ["oci", "v2s2", "json"],
  },
  {
    name: "compression-format",
    kind: "text",
    value: "NAME",
    description: "compress layers with gzip, zstd or zstd:chunked",
    completes: COMPRESSIONS,
  },
  { name: "compression-level", kind: "text", value: "LEVEL", description: "level of that compression" },
  {
    name: "force-compression",
    kind: "boolean",
    description: "compress layers anew that are compressed otherwise (default with --compression-format)",
  },
  {
    name: "add-compression",
    kind: { manifests: "list", podman: "list", buildah: "array" },
    value: "NAME",
    description: "offer every platform also in this compression",
    completes: COMPRESSIONS,
  },
];

const SIGNING_FLAGS: readonly FlagDefinition[] = [
  { name: "remove-signatures", kind: "boolean", description: "leave out the signatures that images have" },
  { name: "sign-by", kind: "text", value: "FINGERPRINT", description: "sign with a GnuPG key" },
  {
    name: "sign-by-sigstore-private-key",
    kind: "text",
    value: "FILE",
    description: "sign with a sigstore private key",
    completes: "files",
  },
  { name: "sign-by-sigstore", kind: "text", value: "FILE", description: "sign as a parameter file says", hidden: true },
  {
    name: "sign-by-sq-fingerprint",
    kind: "text",
    value: "FINGERPRINT",
    description: "sign with a Sequoia key",
    hidden: true,
  },
  {
    name: "sign-passphrase-file",
    kind: "text",
    value: "FILE",
    description: "file whose first line unlocks the key",
    completes: "files",
  },
  { name: "signature-policy", kind: "text", value: "FILE", description: "the policy.json to read", hidden: true },
];

/** `push`. */
export const PUSH: CommandDefinition = {
  name: "push",
  operands: "LIST [DESTINATION]",
  min: 1,
  max: 2,
  tooMany: "only two arguments are necessary to push: source and destination",
  summary: "Push a list and its images",
  details: [
    "Without a destination, the list goes to where its name says. Blobs come first, then the images, then the list: " +
    "a push that fails leaves no list that names what is not there. Nothing is printed on stdout.",
  ],
  examples: [
    ["push app:1.0 quay.io/me/app:1.0", "to a registry"],
    ["push --digestfile digest app:1.0 oci:folder:app", "to a layout; the digest goes to a file"],
    ["push --add-compression zstd app:1.0 quay.io/me/app:1.0", "every platform with gzip and with zstd"],
    ["push --dry-run app:1.0 quay.io/me/app:1.0", "what would be done"],
  ],
  flags: [
    { name: "all", kind: "boolean", description: "push the images, not only the list", default: "true" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    ...CONTENT_FLAGS,
    ...SIGNING_FLAGS,
    {
      name: "digestfile",
      kind: "text",
      value: "FILE",
      description: "write the digest of the pushed list to a file",
      completes: "files",
    },
    { name: "quiet", short: "q", kind: "boolean", description: "print nothing on the way" },
    {
      name: "retry",
      kind: "text",
      value: "COUNT",
      description: "how often a failed step is tried again",
      default: "3",
    },
    {
      name: "retry-delay",
      kind: "text",
      value: "DURATION",
      description: "time between tries, as in 2s; default: longer each time",
    },
    {
      name: "rm",
      short: "p",
      aliases: ["purge"],
      kind: "boolean",
      description: "delete the local list after it was pushed",
    },
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/push.ts")).push,
};
