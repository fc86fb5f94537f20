import { type Descriptor, findReferrer, isManifestsError, type ParsedManifest } from "../../spec/room.ts";
import { SIGNATURE_ARTIFACT_TYPE } from "../sigstore/signature_referrer.ts";
import { parseBundle } from "./bundle.ts";
import { findBundle, PREDICATE_TYPE_ANNOTATION } from "./bundle_referrer.ts";
import { parseStatement, SIGN_PREDICATE_TYPE } from "./statement.ts";

/** Artifact type of signatures of Notation, which policies do not evaluate. */
const NOTATION_ARTIFACT_TYPE = "application/vnd.cncf.notary.signature";

/**
 * Returns whether a referrer contains signatures of its subject, in any format. Bundles of signatures and of attestations
 * differ only in the statement, whose type an annotation of the manifest repeats; without that annotation, the bundle
 * itself is read.
 *
 * @param referrer The referrer's manifest. The entry in a list of referrers is not used: cosign leaves out its annotations, or
 * gives another artifact type.
 */
export async function isSignatureReferrer(
  referrer: ParsedManifest,
  readBlob: (descriptor: Descriptor) => Promise<Uint8Array>,
): Promise<boolean> {
  const { artifactType = "", annotations } = findReferrer(referrer)?.descriptor ?? {};
  if (artifactType === SIGNATURE_ARTIFACT_TYPE || artifactType.startsWith(NOTATION_ARTIFACT_TYPE)) return true;
  const bundle = findBundle(referrer);
  if (!bundle) return false;
  const predicateType = annotations?.[PREDICATE_TYPE_ANNOTATION];
  if (predicateType !== undefined) return predicateType === SIGN_PREDICATE_TYPE;
  try {
    const envelope = parseBundle(await readBlob(bundle));
    return envelope === undefined || parseStatement(envelope.payload).predicateType === SIGN_PREDICATE_TYPE;
  } catch (error) {
    // A bundle of an unknown format is not known to be a signature, and nothing else may be lost.
    if (isManifestsError(error, "SIGNATURE_FORMAT_UNKNOWN")) return false;
    if (isManifestsError(error, "SIGNATURE_PAYLOAD_INVALID")) return false;
    throw error;
  }
}
