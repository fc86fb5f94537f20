import type { FlagDefinition } from "../flag_definition.ts";

/** How to reach registries. */
export const REGISTRY_FLAGS: readonly FlagDefinition[] = [
  { name: "authfile", kind: "text", value: "FILE", description: "the credential file to read", completes: "files" },
  {
    name: "cert-dir",
    kind: "text",
    value: "FOLDER",
    description: "folder with the certificates of the registry",
    completes: "folders",
  },
  { name: "tls-verify", kind: "boolean", description: "demand https and valid certificates" },
  { name: "insecure", kind: "boolean", description: "the same as --tls-verify=false", hidden: true },
  {
    name: "insecure-token-service",
    kind: "array",
    value: "HOST",
    description: "send credentials over plain HTTP to the token service on this host",
  },
];

/** Credentials of one registry, or of several. */
export const CREDENTIAL_FLAGS: readonly FlagDefinition[] = [
  {
    name: "creds",
    kind: "array",
    value: "[REGISTRY=]USER:PASSWORD",
    description: "credentials; with several registries, for each its own",
  },
];

/** Which instance of a list is meant. */
export const PLATFORM_FLAGS: readonly FlagDefinition[] = [
  { name: "arch", kind: "text", value: "ARCH", description: "choose this architecture", aliases: ["override-arch"] },
  { name: "os", kind: "text", value: "OS", description: "choose this operating system", aliases: ["override-os"] },
  { name: "variant", kind: "text", value: "VARIANT", description: "choose this variant of the architecture" },
  { name: "os-version", kind: "text", value: "VERSION", description: "choose this version of the operating system" },
  { name: "os-features", kind: "list", value: "FEATURE", description: "choose what has this feature of the system" },
];

/** Labels that contradict an image. */
export const MISMATCH_FLAG: FlagDefinition = {
  name: "allow-platform-mismatch",
  kind: "boolean",
  description: "record a platform although the configuration of the image says another",
};

/** What else an entry of a list says. */
export const DETAIL_FLAGS: readonly FlagDefinition[] = [
  { name: "features", kind: "list", value: "FEATURE", description: "CPU feature; makes a Docker list" },
];

/** Annotations: buildah splits them at commas. */
export function annotationFlag(description: string): FlagDefinition {
  return {
    name: "annotation",
    kind: { manifests: "array", podman: "array", buildah: "list" },
    value: "KEY=VALUE",
    description,
  };
}

/** Every instance of a list instead of one. */
export const ALL_FLAG: FlagDefinition = {
  name: "all",
  kind: "boolean",
  description: "add every image of a list, not only the one for the platform",
};

/** Takes attestations along that are left out by default. */
export const ATTESTATIONS_FLAG: FlagDefinition = {
  name: "attestations",
  kind: "boolean",
  description: "also add the attestations of an image that is chosen from a list",
};

/** Leaves out attestations that are taken along by default. */
export const KEPT_ATTESTATIONS_FLAG: FlagDefinition = {
  name: "attestations",
  kind: "boolean",
  description: "take along the attestations of images; --no-attestations leaves them out",
  default: "true",
};

/** Which image a name became, and why. */
export const EXPLAIN_FLAG: FlagDefinition = {
  name: "explain",
  kind: "boolean",
  description: "say on stderr which image each name became, and why",
};

/** The result as JSON. */
export const FORMAT_FLAG: FlagDefinition = {
  name: "format",
  kind: "text",
  value: "FORMAT",
  description: "print the result as text or json",
  default: "text",
  completes: ["text", "json"],
};
