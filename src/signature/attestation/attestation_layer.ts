import { encodeUtf8 } from "../../internal/room.ts";
import { ANNOTATIONS } from "../sigstore/annotations.ts";
import type { SigstoreSignature } from "../types.ts";
import { type Envelope, ENVELOPE_MEDIA_TYPE, envelopeJson } from "./envelope.ts";

/** Creates the layer of an attestation in an attachment, as cosign writes it under an `.att` tag. */
export function createAttestationLayer(envelope: Envelope, predicateType: string): SigstoreSignature {
  return {
    kind: "sigstore",
    mediaType: ENVELOPE_MEDIA_TYPE,
    payload: encodeUtf8(JSON.stringify(envelopeJson(envelope))),
    annotations: { [ANNOTATIONS.signature]: "", predicateType },
  };
}
