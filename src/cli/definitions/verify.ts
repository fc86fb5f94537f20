import type { CommandDefinition } from "../definition.ts";
import { CREDENTIAL_FLAGS, FORMAT_FLAG, REGISTRY_FLAGS } from "./shared_flags.ts";
import { SIGNATURE_POLICY_FLAG } from "./transfer_flags.ts";

/** `verify`. */
export const VERIFY: CommandDefinition = {
  name: "verify",
  group: "trust",
  operands: "IMAGE",
  min: 1,
  max: 1,
  summary: "Check the signatures, the provenance or another attestation of an image",
  details: [
    "Without --provenance and --attestation, an image, or a list with all its images, is checked against policy.json, also " +
    "if no policy is needed to copy it.",
    "With --provenance, an accepted key must have signed the provenance of the index, and the index must consist of exactly " +
    "the images that it names; docs/provenance.md has the rules. With --attestation, an accepted key must have signed an " +
    "attestation of this type. The type is a URI, or one of the names that cosign has for it, such as spdxjson.",
    "Exits with 0 if the image is accepted, and with 1 otherwise.",
  ],
  examples: [
    ["verify docker://quay.io/me/app:1.0", "check the signatures against policy.json"],
    [
      "verify --provenance --key cosign.pub --builder-id https://ci.example/* docker://quay.io/me/app:1.0",
      "which builder made the index, of which images",
    ],
    ["verify --attestation spdxjson --key cosign.pub docker://quay.io/me/app:1.0", "an SBOM that cosign attached"],
  ],
  flags: [
    { name: "provenance", kind: "boolean", description: "check the provenance of the index" },
    {
      name: "attestation",
      kind: "text",
      value: "TYPE",
      description: "check the attestations of this predicate type",
    },
    {
      name: "key",
      kind: "array",
      value: "FILE",
      description: "file of an accepted public key, for --provenance and --attestation",
      completes: "files",
    },
    {
      name: "builder-id",
      kind: "array",
      value: "URI",
      description: "accepted builder, for --provenance; * stands for any characters",
    },
    SIGNATURE_POLICY_FLAG,
    ...REGISTRY_FLAGS,
    ...CREDENTIAL_FLAGS,
    FORMAT_FLAG,
  ],
  completes: ["lists"],
  load: async () => (await import("../commands/verify.ts")).verifyImage,
};
