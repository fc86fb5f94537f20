import { parseIdentity } from "./parse_identity.ts";
import { getType, PolicyObject, type PolicyPlace } from "./policy_object.ts";
import type { PolicyRequirement, SignedBy, SignedIdentity, SigstoreSigned } from "./types.ts";

const KEY_TYPES: readonly string[] = ["GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"];
const GPG_MATERIAL = ["keyPath", "keyPaths", "keyData"];
const SIGSTORE_KEYS = ["keyPath", "keyPaths", "keyData", "keyDatas"];
const REKOR_KEYS = ["rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas"];

/** Parses one requirement of a policy. */
export function parseRequirement(value: unknown, place: PolicyPlace): PolicyRequirement {
  const type = getType(value, place);
  switch (type) {
    case "insecureAcceptAnything":
    case "reject":
      new PolicyObject(value, { required: ["type"] }, place);
      return { type };
    case "signedBaseLayer": {
      const object = new PolicyObject(value, { required: ["type", "baseLayerIdentity"] }, place);
      const baseLayerIdentity = parseIdentity(object.get("baseLayerIdentity"), place.child("baseLayerIdentity"));
      return { type, baseLayerIdentity };
    }
    case "signedBy":
      return parseSignedBy(value, place);
    case "sigstoreSigned":
      return parseSigstoreSigned(value, place);
    default:
      place.fail(`Unknown policy requirement type ${JSON.stringify(type)}`);
  }
}

function parseSignedBy(value: unknown, place: PolicyPlace): PolicyRequirement {
  const names = { required: ["type", "keyType"], optional: [...GPG_MATERIAL, "signedIdentity"] };
  const object = new PolicyObject(value, names, place);
  const keyType = object.text("keyType")!;
  if (!KEY_TYPES.includes(keyType)) place.fail(`invalid keyType ${JSON.stringify(keyType)}`);
  const keys = object.material(object.oneOf(GPG_MATERIAL, true)!);
  return { type: "signedBy", keyType: keyType as SignedBy["keyType"], keys, signedIdentity: signedIdentity(object) };
}

function parseSigstoreSigned(value: unknown, place: PolicyPlace): SigstoreSigned {
  const optional = [...SIGSTORE_KEYS, "fulcio", "pki", ...REKOR_KEYS, "signedIdentity"];
  const object = new PolicyObject(value, { required: ["type"], optional }, place);
  const source = object.oneOf([...SIGSTORE_KEYS, "fulcio", "pki"], true)!;
  const rekor = object.oneOf(REKOR_KEYS, false);
  if (source === "fulcio" && rekor === undefined) {
    place.fail(`At least one of ${REKOR_KEYS.join(", ")} must be specified if fulcio is used`);
  }
  if (source === "pki" && rekor !== undefined) place.fail(`${rekor} is not supported for pki`);
  return {
    type: "sigstoreSigned",
    trust: trust(object, source),
    rekorPublicKeys: rekor === undefined ? undefined : filled(object, rekor),
    signedIdentity: signedIdentity(object),
  };
}

function trust(object: PolicyObject, source: string): SigstoreSigned["trust"] {
  if (source === "fulcio") return fulcio(object.get("fulcio"), object.place.child("fulcio"));
  if (source === "pki") return pki(object.get("pki"), object.place.child("pki"));
  return { kind: "keys", keys: filled(object, source) };
}

function fulcio(value: unknown, place: PolicyPlace): SigstoreSigned["trust"] {
  const names = { required: ["oidcIssuer", "subjectEmail"], optional: ["caPath", "caData"] };
  const object = new PolicyObject(value, names, place);
  return {
    kind: "fulcio",
    ca: object.material(object.oneOf(["caPath", "caData"], true)!)[0]!,
    oidcIssuer: object.text("oidcIssuer")!,
    subjectEmail: object.text("subjectEmail")!,
  };
}

function pki(value: unknown, place: PolicyPlace): SigstoreSigned["trust"] {
  const roots = ["caRootsPath", "caRootsData"];
  const intermediates = ["caIntermediatesPath", "caIntermediatesData"];
  const names = { optional: [...roots, ...intermediates, "subjectEmail", "subjectHostname"] };
  const object = new PolicyObject(value, names, place);
  const intermediatesName = object.oneOf(intermediates, false);
  const subjects = { subjectEmail: object.text("subjectEmail"), subjectHostname: object.text("subjectHostname") };
  if (subjects.subjectEmail === undefined && subjects.subjectHostname === undefined) {
    place.fail("At least one of subjectEmail and subjectHostname must be specified");
  }
  return {
    kind: "pki",
    caRoots: object.material(object.oneOf(roots, true)!)[0]!,
    caIntermediates: intermediatesName === undefined ? undefined : object.material(intermediatesName)[0]!,
    ...subjects,
  };
}

/** Reads key material whose list must not be empty, unlike that of `signedBy`. */
function filled(object: PolicyObject, name: string) {
  const material = object.material(name);
  if (material.length === 0) object.place.fail(`${JSON.stringify(name)} contains no entries`);
  return material;
}

function signedIdentity(object: PolicyObject): SignedIdentity {
  if (!object.has("signedIdentity")) return { type: "matchRepoDigestOrExact" };
  return parseIdentity(object.get("signedIdentity"), object.place.child("signedIdentity"));
}
