import type { FlagDefinition } from "../flag_definition.ts";

const COMPRESSIONS = ["gzip", "zstd", "zstd:chunked"];

/** Flags for the format and compression of copied images. */
export const CONTENT_FLAGS: readonly FlagDefinition[] = [
  {
    name: "format",
    short: "f",
    kind: "array",
    value: "TYPE",
    description: "format of manifests: oci or v2s2 (docker); json prints the result as JSON",
    completes: ["oci", "v2s2", "json"],
  },
  {
    name: "compression-format",
    kind: "text",
    value: "NAME",
    description: "compress layers with gzip, zstd or zstd:chunked",
    completes: COMPRESSIONS,
  },
  { name: "compression-level", kind: "text", value: "LEVEL", description: "level of the compression" },
  {
    name: "force-compression",
    kind: "boolean",
    description: "recompress layers that have another compression (default with --compression-format)",
  },
  {
    name: "add-compression",
    kind: { manifests: "list", podman: "list", buildah: "array" },
    value: "NAME",
    description: "also add a variant of every image with this compression",
    completes: COMPRESSIONS,
  },
];

/** Flags for the referrers and signatures of copied images. */
export const REFERRER_FLAGS: readonly FlagDefinition[] = [
  {
    name: "referrers",
    kind: "boolean",
    description: "also copy the referrers of the images: attestations, SBOMs, signatures",
  },
  {
    name: "registry-referrers-mode",
    kind: "text",
    value: "MODE",
    description: "store sigstore signatures under tags (legacy) or as referrers (oci-1-1)",
    default: "legacy",
    completes: ["legacy", "oci-1-1"],
  },
];

/** Flag that names the policy against which images are checked. */
export const SIGNATURE_POLICY_FLAG: FlagDefinition = {
  name: "signature-policy",
  aliases: ["policy"],
  kind: "text",
  value: "FILE",
  description: "path of the policy.json against which images are checked",
  completes: "files",
};

/** Flags for signing and for the signature policy. */
export const SIGNING_FLAGS: readonly FlagDefinition[] = [
  { name: "remove-signatures", kind: "boolean", description: "do not copy the signatures of images" },
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
    description: "sign with the settings in a file of sigstore parameters",
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
    description: "file whose first line is the passphrase of the key",
    completes: "files",
  },
  SIGNATURE_POLICY_FLAG,
];

/** Flags for one side of a copy; each overrides the flag of the same name without `src-` or `dest-`. */
export const SIDE_FLAGS: readonly FlagDefinition[] = (["src", "dest"] as const).flatMap((side): FlagDefinition[] => {
  const place = side === "src" ? "source" : "destination";
  return [
    {
      name: `${side}-authfile`,
      kind: "text",
      value: "FILE",
      description: `credential file for the ${place}`,
      completes: "files",
    },
    {
      name: `${side}-cert-dir`,
      kind: "text",
      value: "FOLDER",
      description: `certificates for the ${place}`,
      completes: "folders",
    },
    { name: `${side}-creds`, kind: "text", value: "USER:PASSWORD", description: `credentials for the ${place}` },
    {
      name: `${side}-daemon-host`,
      kind: "text",
      value: "ADDRESS",
      description: `address of the Docker daemon that is the ${place}`,
      default: "DOCKER_HOST, else Docker's context",
    },
    { name: `${side}-no-creds`, kind: "boolean", description: `access the ${place} anonymously` },
    {
      name: `${side}-tls-verify`,
      kind: "boolean",
      description: `require HTTPS and valid certificates of the ${place}`,
    },
  ];
});

/** Flags for retries after temporary errors. */
export const RETRY_FLAGS: readonly FlagDefinition[] = [
  {
    name: "retry",
    kind: "text",
    value: "COUNT",
    description: "maximum number of retries of a failed step",
    default: "3",
  },
  {
    name: "retry-delay",
    kind: "text",
    value: "DURATION",
    description: "time between retries, such as 2s (default 1s, doubled after each retry)",
  },
];

/** Flags for the progress display. */
export const PROGRESS_FLAGS: readonly FlagDefinition[] = [
  {
    name: "progress",
    kind: "text",
    value: "KIND",
    description:
      "progress on stderr: bars, plain (lines), json (events) or none; auto is bars on a terminal, otherwise plain",
    default: "auto",
    completes: ["auto", "bars", "plain", "json", "none"],
  },
  { name: "quiet", short: "q", kind: "boolean", description: "do not show progress" },
];

/** Flags about the files to which the result of a publication is reported. */
export const REPORT_FLAGS: readonly FlagDefinition[] = [
  {
    name: "digestfile",
    kind: "text",
    value: "FILE",
    description: "write the digest to a file, without a line break",
    completes: "files",
  },
  {
    name: "referencefile",
    kind: "text",
    value: "FILE",
    description: "write REPOSITORY@DIGEST to a file, without a line break; empty if the destination is not a registry",
    completes: "files",
  },
  {
    name: "github",
    kind: "boolean",
    description:
      "write outputs (digest, reference, references, tags, json) and a summary for GitHub Actions (default: in its jobs)",
  },
  {
    name: "gitlab-dotenv",
    kind: "text",
    value: "FILE",
    description: "append MANIFESTS_DIGEST, _REFERENCE, _REFERENCES and _TAGS to a dotenv report of GitLab",
    completes: "files",
  },
];
