import type { Descriptor } from "./descriptor.ts";

/** Members of an index entry that identify attestations. */
type Marks = { [Name in "annotations" | "platform"]?: Descriptor[Name] | undefined };

/** Annotation in which an attestation of BuildKit names the image that it attests, an entry of the same index. */
export const ATTESTED_DIGEST = "vnd.docker.reference.digest";
/** Annotation with the type of such an entry. */
const REFERENCE_TYPE = "vnd.docker.reference.type";

/**
 * Returns whether an entry of an index is an attestation (provenance, SBOM) as BuildKit writes them, not a runnable
 * image. In a Docker list, which has no annotations, only the platform `unknown/unknown` identifies it.
 */
export function isAttestation(entry: Marks): boolean {
  const { annotations = {} } = entry;
  return annotations[REFERENCE_TYPE] === "attestation-manifest" || annotations[ATTESTED_DIGEST] !== undefined ||
    entry.platform?.os === "unknown" && entry.platform.architecture === "unknown";
}

/** Finds the digest of the image that an entry attests; `undefined` if the entry names none. */
export function findAttested({ annotations = {} }: Marks): string | undefined {
  return annotations[ATTESTED_DIGEST];
}
