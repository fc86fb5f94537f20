import type { FlagDefinition } from "../flag_definition.ts";

/** Flags for the connection to registries. */
export const REGISTRY_FLAGS: readonly FlagDefinition[] = [
  { name: "authfile", kind: "text", value: "FILE", description: "path of the credential file", completes: "files" },
  {
    name: "cert-dir",
    kind: "text",
    value: "FOLDER",
    description: "folder with certificates for the registry: *.crt, *.cert and *.key",
    completes: "folders",
  },
  { name: "tls-verify", kind: "boolean", description: "require HTTPS and valid certificates" },
  { name: "insecure", kind: "boolean", description: "the same as --tls-verify=false", hidden: true },
  {
    name: "insecure-token-service",
    kind: "array",
    value: "HOST",
    description: "send credentials over plain HTTP to the token service on this host",
  },
];

/** Flag for the credentials of one or more registries. */
export const CREDENTIAL_FLAGS: readonly FlagDefinition[] = [
  {
    name: "creds",
    kind: "array",
    value: "[REGISTRY=]USER:PASSWORD",
    description: "credentials; can be given once per registry",
  },
];

/** Flags that choose an instance of a list by its platform. */
export const PLATFORM_FLAGS: readonly FlagDefinition[] = [
  { name: "arch", kind: "text", value: "ARCH", description: "choose this architecture", aliases: ["override-arch"] },
  { name: "os", kind: "text", value: "OS", description: "choose this operating system", aliases: ["override-os"] },
  { name: "variant", kind: "text", value: "VARIANT", description: "choose this variant of the architecture" },
  { name: "os-version", kind: "text", value: "VERSION", description: "choose this version of the operating system" },
  {
    name: "os-features",
    kind: "list",
    value: "FEATURE",
    description: "choose an image with this feature of the operating system",
  },
];

/** Flag that accepts a platform that contradicts the image. */
export const MISMATCH_FLAG: FlagDefinition = {
  name: "allow-platform-mismatch",
  kind: "boolean",
  description: "record a platform even if it differs from the configuration of the image",
};

/** Flags for further members of an entry of a list. */
export const DETAIL_FLAGS: readonly FlagDefinition[] = [
  { name: "features", kind: "list", value: "FEATURE", description: "CPU feature; the list becomes a Docker list" },
];

/** Creates the flag for annotations. Buildah splits its values at commas. */
export function annotationFlag(description: string): FlagDefinition {
  return {
    name: "annotation",
    kind: { manifests: "array", podman: "array", buildah: "list" },
    value: "KEY=VALUE",
    description,
  };
}

/** Flag that adds all instances of a list instead of one. */
export const ALL_FLAG: FlagDefinition = {
  name: "all",
  kind: "boolean",
  description: "add all images of a list instead of the one for the platform",
};

/** Flag that also adds attestations, for commands that leave them out by default. */
export const ATTESTATIONS_FLAG: FlagDefinition = {
  name: "attestations",
  kind: "boolean",
  description: "also add the attestations of an image chosen from a list",
};

/** Flag that leaves out attestations, for commands that include them by default. */
export const KEPT_ATTESTATIONS_FLAG: FlagDefinition = {
  name: "attestations",
  kind: "boolean",
  description: "include the attestations of images; --no-attestations leaves them out",
  default: "true",
};

/** Flag that prints which image each name resolved to. */
export const EXPLAIN_FLAG: FlagDefinition = {
  name: "explain",
  kind: "boolean",
  description: "print to stderr which image each name resolved to, and why",
};

/** Flags of the commands that edit a list in a registry. */
export const REMOTE_EDIT_FLAGS: readonly FlagDefinition[] = [
  {
    name: "tag",
    short: "t",
    kind: "text",
    value: "TAG",
    description: "write the new list under this tag or name, and leave the existing list as it is",
  },
  {
    name: "dry-run",
    kind: "boolean",
    description: "write nothing: print the bytes of the new list, and the changes to stderr",
  },
];

/** Flag that chooses between text and JSON as the result. */
export const FORMAT_FLAG: FlagDefinition = {
  name: "format",
  kind: "text",
  value: "FORMAT",
  description: "print the result as text or json",
  default: "text",
  completes: ["text", "json"],
};

/** Flags of the commands that can show their result on a web page. */
export const WEB_FLAGS: readonly FlagDefinition[] = [
  { name: "web", kind: "boolean", description: "serve a web page with the result instead of printing it" },
  {
    name: "port",
    kind: "text",
    value: "PORT",
    description: "port of the web page; 0 chooses a free port",
    default: "0",
  },
];
