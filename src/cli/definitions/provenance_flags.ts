import type { FlagDefinition } from "../flag_definition.ts";

/** Flags of commands that make an index, for its provenance. */
export const PROVENANCE_FLAGS: readonly FlagDefinition[] = [
  {
    name: "provenance",
    kind: "text",
    value: "KEY",
    description: "attach provenance, signed with the sigstore private key in this file",
    completes: "files",
  },
  {
    name: "provenance-passphrase-file",
    kind: "text",
    value: "FILE",
    description: "file whose first line is the passphrase of that key; see also --sign-passphrase-file",
    completes: "files",
  },
  {
    name: "provenance-as",
    kind: "text",
    value: "FORM",
    description: "form of the provenance: a bundle that is a referrer, or a layer under cosign's .att tag",
    default: "bundle",
    completes: ["bundle", "tag"],
  },
  { name: "provenance-children", kind: "boolean", description: "also attach the provenance to each image" },
  {
    name: "builder-id",
    kind: "text",
    value: "URI",
    description: "builder that the provenance names, if not that of the CI job",
  },
];
