import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, REGISTRY_FLAGS, WEB_FLAGS } from "./shared_flags.ts";

/** `inspect`. */
export const INSPECT: CommandDefinition = {
  name: "inspect",
  group: "remote",
  operands: "IMAGE",
  min: 1,
  max: 1,
  tooMany: "only one argument is necessary for inspect: an image name",
  summary: "Show a list from the local store, a registry or a file",
  details: [
    "Shows the local list of this name, or else the one in its registry. With a transport (docker://, oci:, …), only that " +
    "place is searched.",
    "--web shows it on a web page, which only this machine can open, until Ctrl-C.",
  ],
  examples: [
    ["inspect app:1.0 | jq '.manifests[].digest'", "the digests of a local list"],
    ["inspect --format table docker://alpine:3.20", "a list in a registry, as a table"],
    ["inspect --raw quay.io/me/app:1.0 | sha256sum", "the exact bytes of the manifest"],
    ["inspect --config --platform linux/arm64 quay.io/me/app:1.0 | jq .config.Labels", "the labels of one image"],
    ["inspect --web quay.io/me/app:1.0", "a list on a web page"],
    ["inspect --format tree oci:folder:app", "a list in a layout, with its layers"],
  ],
  flags: [
    {
      name: "format",
      kind: "text",
      value: "FORMAT",
      description:
        "print a table, a tree, or json: the document with the digest, the sizes, and the configurations of the images",
      default: "the document itself, as podman prints it",
      completes: ["json", "table", "tree"],
    },
    { name: "no-trunc", kind: "boolean", description: "show the whole digests in a table" },
    {
      name: "attestations",
      kind: "boolean",
      description: "with --format json, also read the provenance and SBOMs of BuildKit",
    },
    {
      name: "raw",
      kind: "boolean",
      description: "print the exact bytes of the manifest, without a newline at the end",
    },
    {
      name: "config",
      kind: "boolean",
      description: "print the exact bytes of the image's configuration; of a list, that of the image for this machine",
    },
    {
      name: "platform",
      kind: "text",
      value: "OS/ARCH[/VARIANT][:OSVERSION]",
      description: "show the image for this platform instead of the list",
    },
    ...WEB_FLAGS,
    { name: "verbose", short: "v", kind: "boolean", description: "accepted", hidden: true },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/inspect.ts")).inspect,
};
