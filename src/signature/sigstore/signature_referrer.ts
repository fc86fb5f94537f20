import { encodeGoJson, type GoJsonValue } from "../../json/room.ts";
import { type Descriptor, descriptorJson, MEDIA_TYPES } from "../../spec/room.ts";
import type { SigstoreSignature } from "../types.ts";
import { type Attachment, attachSignatures } from "./attachment.ts";

/** Type of the artifacts in which cosign stores the signatures of their subject. */
export const SIGNATURE_ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json";

/**
 * Creates a referrer with signatures of a manifest. No existing object is changed, so concurrent signers cannot
 * overwrite each other's signatures.
 *
 * @param subject The signed manifest.
 */
export function createSignatureReferrer(subject: Descriptor, signatures: readonly SigstoreSignature[]): Attachment {
  const { blobs } = attachSignatures(undefined, signatures)!;
  const layers = blobs.slice(0, -1), config = blobs.at(-1)!;
  const manifest = encodeGoJson(
    new Map<string, GoJsonValue>([
      ["schemaVersion", 2],
      ["mediaType", MEDIA_TYPES.ociManifest],
      ["artifactType", SIGNATURE_ARTIFACT_TYPE],
      ["config", descriptorJson({ ...config.descriptor, mediaType: SIGNATURE_ARTIFACT_TYPE }) as GoJsonValue],
      ["layers", layers.map(({ descriptor }) => descriptorJson(descriptor) as GoJsonValue)],
      ["subject", descriptorJson(subject) as GoJsonValue],
    ]),
  );
  return { manifest, blobs };
}
