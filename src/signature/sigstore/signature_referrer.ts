import { encodeGoJson, type GoJsonValue } from "../../json/room.ts";
import { type Descriptor, descriptorJson, MEDIA_TYPES } from "../../spec/room.ts";
import type { SigstoreSignature } from "../types.ts";
import { type Attachment, attachSignatures } from "./attachment.ts";

/** Type of the artifacts that hold signatures of the manifest which they refer to, as cosign writes them. */
export const SIGNATURE_ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json";

/** Types of artifacts that hold other forms of signatures, for which images are not judged here. */
const OTHER_FORMS = ["application/vnd.cncf.notary.signature", "application/vnd.dev.sigstore.bundle"];
/** What a bundle is about is the same type of artifact, whether it signs an image or attests something of it. */
const PREDICATE = "dev.sigstore.bundle.predicateType", SIGNED = "https://sigstore.dev/cosign/sign/v1";

/** Whether a referrer holds signatures of the manifest that it refers to, in whatever form. */
export function isSignatureReferrer({ artifactType = "", annotations }: Descriptor): boolean {
  if (artifactType === SIGNATURE_ARTIFACT_TYPE) return true;
  const predicate = annotations?.[PREDICATE] ?? SIGNED;
  return predicate === SIGNED && OTHER_FORMS.some((form) => artifactType.startsWith(form));
}

/**
 * Signatures as a referrer of what they sign: nothing that is there has to be changed, so two signers cannot lose each
 * other's work.
 *
 * @param subject The manifest that is signed.
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
