import { encodeUtf8 } from "../../internal/room.ts";
import type { SigstoreSignature } from "../types.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { type Certificate, parseCertificates, rejectCertificate } from "./certificate.ts";
import { verifyChain } from "./certificate_chain.ts";
import { assertEmail, assertHostname, assertIssuer } from "./certificate_subject.ts";
import type { FulcioTrust, PkiTrust } from "./trust.ts";

/** Returns the certificate that comes with a signature. */
export function leafCertificate(signature: SigstoreSignature): Certificate {
  const text = annotation(signature, ANNOTATIONS.certificate);
  if (text === undefined) rejectCertificate(`missing ${ANNOTATIONS.certificate} annotation`);
  const [leaf, ...more] = parseCertificates(encodeUtf8(text));
  if (more.length > 0) rejectCertificate("the annotation contains more than one");
  return leaf!;
}

/** Verifies a certificate issued by Fulcio, at the time when the log recorded the signature. */
export function verifyFulcio(leaf: Certificate, signature: SigstoreSignature, trust: FulcioTrust, at: Date): void {
  rejectMalformed(() => {
    verifyChain(leaf, { roots: parseCertificates(trust.ca), intermediates: getIntermediates(signature), at });
    assertIssuer(leaf, trust.oidcIssuer);
    assertEmail(leaf, trust.subjectEmail);
  });
}

/** Verifies a certificate of a private authority, at the current time. */
export function verifyPki(leaf: Certificate, signature: SigstoreSignature, trust: PkiTrust, now: Date): void {
  rejectMalformed(() => {
    const configured = trust.intermediates ? parseCertificates(trust.intermediates) : [];
    const intermediates = [...configured, ...getIntermediates(signature)];
    verifyChain(leaf, { roots: parseCertificates(trust.roots), intermediates, at: now });
    const { subjectEmail, subjectHostname } = trust;
    if (subjectEmail === undefined && subjectHostname === undefined) {
      rejectCertificate("neither subjectEmail nor subjectHostname is required of it");
    }
    if (subjectEmail !== undefined) assertEmail(leaf, subjectEmail);
    if (subjectHostname !== undefined) assertHostname(leaf, subjectHostname);
  });
}

/** Returns the intermediates that come with a signature. The last one is the root, which must come from the policy. */
function getIntermediates(signature: SigstoreSignature): Certificate[] {
  const text = annotation(signature, ANNOTATIONS.chain);
  return text === undefined || text === "" ? [] : parseCertificates(encodeUtf8(text)).slice(0, -1);
}

/** Runs a check; a certificate that cannot be parsed is rejected. */
function rejectMalformed(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) rejectCertificate("it cannot be parsed", error);
    throw error;
  }
}

function annotation({ annotations }: SigstoreSignature, name: string): string | undefined {
  return Object.hasOwn(annotations, name) ? annotations[name] : undefined;
}
