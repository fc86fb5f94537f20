import { isManifestsError, ManifestsError } from "../../spec/room.ts";
import type { ExpectedClaims } from "../payload.ts";
import { refuse } from "../refusal.ts";
import { verifySigstoreSignature } from "../sigstore/verify.ts";
import { verifySimpleSignature } from "../simple_signing.ts";
import { type Signature, SIGSTORE_MEDIA_TYPE } from "../types.ts";
import { type Evidence, toRefusal } from "./evidence.ts";
import { loadTrust } from "./load_trust.ts";
import { matchesIdentity } from "./match_identity.ts";
import type { KeyMaterial, SignedBy, SignedIdentity, SigstoreSigned } from "./types.ts";
import { type RejectionReason, type RequirementVerdict, type SignatureVerdict, toRejection } from "./verdict.ts";

const NONE = "A signature was required, but no signature exists";

/** Evaluates a requirement for a signature: it is met by the first signature that is accepted. */
export async function judgeSignatures(
  requirement: SignedBy | SigstoreSigned,
  evidence: Evidence,
): Promise<RequirementVerdict> {
  const all = await evidence.signatures();
  const candidates = all.filter((signature) => isCandidate(requirement, signature));
  const signatures: SignatureVerdict[] = [];
  for (const signature of candidates) {
    const verdict = await judge(requirement, signature, evidence);
    signatures.push(verdict);
    if (verdict.accepted) return { requirement, allowed: true, signatures };
  }
  const refusals = signatures.flatMap((verdict) => verdict.accepted ? [] : [verdict.refusal]);
  return { requirement, allowed: false, refusal: summary(requirement, refusals, all), signatures };
}

function isCandidate({ type }: SignedBy | SigstoreSigned, signature: Signature): boolean {
  if (type === "signedBy") return signature.kind === "simple";
  return signature.kind === "sigstore" && signature.mediaType === SIGSTORE_MEDIA_TYPE;
}

async function judge(
  requirement: SignedBy | SigstoreSigned,
  signature: Signature,
  evidence: Evidence,
): Promise<SignatureVerdict> {
  try {
    const expected = expectedClaims(requirement.signedIdentity, evidence);
    if (requirement.type === "signedBy" && signature.kind === "simple") {
      if (requirement.keyType !== "GPGKeys") {
        refuse("POLICY_NOT_SUPPORTED", `Unimplemented "keyType" value "${requirement.keyType}"`);
      }
      const keyrings = await evidence.materials(requirement.keys);
      const verified = await verifySimpleSignature(signature.bytes, { ...evidence.options, ...expected, keyrings });
      return { accepted: true, kind: "simple", verified };
    }
    if (requirement.type === "sigstoreSigned" && signature.kind === "sigstore") {
      const trust = await loadTrust(requirement, evidence);
      const verified = await verifySigstoreSignature(signature, { ...expected, trust, now: evidence.options.now });
      return { accepted: true, kind: "sigstore", verified };
    }
    refuse("SIGNATURE_FORMAT_UNKNOWN", "the requirement is for another kind of signature");
  } catch (error) {
    const refusal = toRefusal(nameKeys(error, requirement), evidence.options.signal);
    return { accepted: false, refusal: toRejection(refusal) };
  }
}

/** Names the files of a requirement's keys in the error for a key that cannot be read. */
function nameKeys(error: unknown, requirement: SignedBy | SigstoreSigned): unknown {
  if (!isManifestsError(error, "KEY_INVALID")) return error;
  const files = listMaterials(requirement).map((key) => "path" in key ? JSON.stringify(key.path) : "keyData");
  return new ManifestsError(error.code, `${error.message}: check ${files.join(", ")} of the policy`, { cause: error });
}

function listMaterials(requirement: SignedBy | SigstoreSigned): KeyMaterial[] {
  if (requirement.type === "signedBy") return [...requirement.keys];
  const { trust, rekorPublicKeys = [] } = requirement;
  return [...trust.kind === "keys" ? trust.keys : [], ...rekorPublicKeys];
}

function expectedClaims(identity: SignedIdentity, { decision, manifestDigest }: Evidence): ExpectedClaims {
  if (!manifestDigest) {
    throw new ManifestsError("SIGNATURE_DIGEST_MISMATCH", "Cannot verify signature: the manifest is not known");
  }
  const acceptsReference = (name: string) => matchesIdentity(identity, decision.dockerReference, name);
  return { manifestDigest, acceptsReference };
}

function summary(
  requirement: SignedBy | SigstoreSigned,
  refusals: RejectionReason[],
  all: readonly Signature[],
): RejectionReason {
  const [first, ...more] = refusals;
  if (first && more.length === 0) return first;
  if (first) {
    const reasons = refusals.map(({ reason }) => reason).join("; ");
    return { code: first.code, reason: `None of the signatures were accepted, reasons: ${reasons}` };
  }
  const simple = all.filter(({ kind }) => kind === "simple").length;
  const others = requirement.type === "sigstoreSigned" && all.length > 0
    ? ` (${simple} non-sigstore signatures, ${all.length - simple} sigstore non-signature attachments)`
    : "";
  return { code: "SIGNATURE_MISSING", reason: NONE + others };
}
