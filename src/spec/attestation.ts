import type { Descriptor } from "./descriptor.ts";

/** What an entry of an index says that tells attestations. */
type Marks = Pick<Descriptor, "annotations" | "platform">;

/** The annotation by which BuildKit's attestations name the image of the same index that they are about. */
export const ATTESTED_DIGEST = "vnd.docker.reference.digest";
/** The annotation that says what such an entry is. */
const REFERENCE_TYPE = "vnd.docker.reference.type";

/**
 * Returns whether an entry of an index is an attestation (provenance, SBOM) as BuildKit writes them, which no machine
 * runs. In a Docker list, which has no annotations, its platform `unknown/unknown` is all that marks it.
 */
export function isAttestation(entry: Marks): boolean {
  const { annotations = {} } = entry;
  return annotations[REFERENCE_TYPE] === "attestation-manifest" || annotations[ATTESTED_DIGEST] !== undefined ||
    entry.platform?.os === "unknown" && entry.platform.architecture === "unknown";
}

/** The digest of the image that an entry of an index is an attestation of; `undefined` for other entries. */
export function findAttested({ annotations = {} }: Marks): string | undefined {
  return annotations[ATTESTED_DIGEST];
}
