import type { FlagDefinition } from "../flag_definition.ts";

const COMPRESSIONS = ["gzip", "zstd", "zstd:chunked"];

/** How the images that are pushed shall be. */
export const CONTENT_FLAGS: readonly FlagDefinition[] = [
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

/** What goes along with images. */
export const REFERRER_FLAGS: readonly FlagDefinition[] = [
  {
    name: "referrers",
    kind: "boolean",
    description: "take along what is about the images: attestations, SBOMs, signatures",
  },
  {
    name: "registry-referrers-mode",
    kind: "text",
    value: "MODE",
    description: "attach sigstore signatures under tags (legacy) or as referrers (oci-1-1)",
    default: "legacy",
    completes: ["legacy", "oci-1-1"],
  },
];

/** What is done about signatures. */
export const SIGNING_FLAGS: readonly FlagDefinition[] = [
  { name: "remove-signatures", kind: "boolean", description: "leave out the signatures that images have" },
  { name: "sign-by", kind: "text", value: "FINGERPRINT", description: "sign with a GnuPG key" },
  {
    name: "sign-by-sigstore-private-key",
    kind: "text",
    value: "FILE",
    description: "sign with a sigstore private key",
    completes: "files",
  },
  {
    name: "sign-by-sigstore",
    kind: "text",
    value: "FILE",
    description: "sign as a file of sigstore parameters says",
    completes: "files",
  },
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
  {
    name: "signature-policy",
    aliases: ["policy"],
    kind: "text",
    value: "FILE",
    description: "the policy.json by which images are judged",
    completes: "files",
  },
];

/** What is done about passing failures. */
export const RETRY_FLAGS: readonly FlagDefinition[] = [
  { name: "retry", kind: "text", value: "COUNT", description: "how often a failed step is tried again", default: "3" },
  {
    name: "retry-delay",
    kind: "text",
    value: "DURATION",
    description: "time between tries, as in 2s; 1s, 2s, 4s and so on if not given",
  },
];

/** What is shown on the way. */
export const PROGRESS_FLAGS: readonly FlagDefinition[] = [
  {
    name: "progress",
    kind: "text",
    value: "KIND",
    description: "bars, plain lines, json events or none, on stderr; auto: bars on a terminal, else plain",
    default: "auto",
    completes: ["auto", "bars", "plain", "json", "none"],
  },
  { name: "quiet", short: "q", kind: "boolean", description: "print nothing on the way" },
];
