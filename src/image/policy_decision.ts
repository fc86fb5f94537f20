import type { PolicyDecision } from "../signature/room.ts";
import type { ImageReference } from "./types.ts";
import type { VerifiedManifest } from "./verified.ts";

/** Returns the question that is put to a policy: may this manifest be used under the name of this reference? */
export function createPolicyDecision(
  reference: ImageReference,
  { digest, manifest }: VerifiedManifest,
  { isInstance, readSignatures }: Required<Pick<PolicyDecision, "isInstance" | "readSignatures">>,
): PolicyDecision {
  return {
    transport: reference.transport,
    identity: reference.policyConfigurationIdentity,
    namespaces: reference.policyConfigurationNamespaces,
    image: String(reference),
    dockerReference: reference.dockerReference,
    isInstance,
    manifest: manifest.bytes,
    digest,
    readSignatures,
  };
}
