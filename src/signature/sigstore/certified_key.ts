import { encodeUtf8 } from "../../internal/room.ts";
import type { SigstoreSignature } from "../types.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { type Certificate, parseCertificates, rejectCertificate } from "./certificate.ts";
import { verifyChain } from "./certificate_chain.ts";
import { assertEmail, assertHostname, assertIssuer } from "./certificate_subject.ts";
import type { FulcioTrust, PkiTrust } from "./trust.ts";

/** The certificate that comes with a signature. */
export function leafCertificate(signature: SigstoreSignature): Certificate {
  const text = annotation(signature, ANNOTATIONS.certificate);
  if (text === undefined) rejectCertificate(`missing ${ANNOTATIONS.certificate} annotation`);
  const [leaf, ...more] = parseCertificates(encodeUtf8(text));
  if (more.length > 0) rejectCertificate("more than one is there");
  return leaf!;
}

/** Verifies a certificate of Fulcio's as of when the log took the signature in. */
export function verifyFulcio(leaf: Certificate, signature: SigstoreSignature, trust: FulcioTrust, at: Date): void {
  guarded(() => {
    verifyChain(leaf, { roots: parseCertificates(trust.ca), intermediates: comingWith(signature), at });
    assertIssuer(leaf, trust.oidcIssuer);
    assertEmail(leaf, trust.subjectEmail);
  });
}

/** Verifies a certificate of an authority as of now. */
export function verifyPki(leaf: Certificate, signature: SigstoreSignature, trust: PkiTrust, now: Date): void {
  guarded(() => {
    const between = trust.intermediates ? parseCertificates(trust.intermediates) : [];
    const intermediates = [...between, ...comingWith(signature)];
    verifyChain(leaf, { roots: parseCertificates(trust.roots), intermediates, at: now });
    const { subjectEmail, subjectHostname } = trust;
    if (subjectEmail === undefined && subjectHostname === undefined) rejectCertificate("no subject is required of it");
    if (subjectEmail !== undefined) assertEmail(leaf, subjectEmail);
    if (subjectHostname !== undefined) assertHostname(leaf, subjectHostname);
  });
}

/** The chain's last certificate is the root's, which must come from the policy. */
function comingWith(signature: SigstoreSignature): Certificate[] {
  const text = annotation(signature, ANNOTATIONS.chain);
  return text === undefined || text === "" ? [] : parseCertificates(encodeUtf8(text)).slice(0, -1);
}

/** What cannot be read in a certificate refuses it. */
function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) rejectCertificate("it cannot be read", error);
    throw error;
  }
}

function annotation({ annotations }: SigstoreSignature, name: string): string | undefined {
  return Object.hasOwn(annotations, name) ? annotations[name] : undefined;
}
