import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";

/** `digest`. */
export const DIGEST: CommandDefinition = {
  name: "digest",
  group: "remote",
  operands: "IMAGE",
  min: 1,
  max: 1,
  summary: "Print the digest of an image or a list",
  details: [
    "Looks for the local list of this name, or else asks its registry, with HEAD if the registry supports that. Exits " +
    "with 1 if the image does not exist.",
  ],
  examples: [
    ["digest quay.io/me/app:1.0", "the digest of the list"],
    ["digest --platform linux/arm64 quay.io/me/app:1.0", "the digest of one of its images"],
  ],
  flags: [
    {
      name: "platform",
      kind: "text",
      value: "OS/ARCH[/VARIANT][:OSVERSION]",
      description: "print the digest of the image for this platform",
    },
    { name: "full-ref", kind: "boolean", description: "print REPOSITORY@DIGEST" },
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/digest.ts")).digest,
};
