import { encodeHex } from "../../internal/room.ts";
import { type Certificate, EXTENSIONS, rejectCertificate } from "./certificate.ts";
import { DER_TAGS, readDer, readOne } from "./der.ts";

/** Longest chain; real ones have three. */
const MAX_DEPTH = 8;
/** Object identifiers of uses, in hex: signing code, and any. */
const CODE_SIGNING = "2b06010505070303";
const ANY_USE = "551d2500";
/** Object identifiers of algorithms that nobody should trust any more: MD5 and SHA-1 with RSA, SHA-1 with ECDSA. */
const WEAK_ALGORITHMS: readonly string[] = ["2a864886f70d010104", "2a864886f70d010105", "2a8648ce3d0401"];
/** Extensions that are understood here; any other that is critical refuses its certificate. */
const UNDERSTOOD: readonly string[] = [
  EXTENSIONS.keyUsage,
  EXTENSIONS.subjectAltName,
  EXTENSIONS.basicConstraints,
  EXTENSIONS.extendedKeyUsage,
];
/** The bit of key usage by which certificates are signed, in its first byte. */
const CERTIFICATE_SIGNING = 0x04;

/** Certificates among which a chain is sought. */
export interface ChainOptions {
  /** Trusted. */
  readonly roots: readonly Certificate[];
  /** Not trusted by themselves. */
  readonly intermediates: readonly Certificate[];
  /** When all of them must be valid. */
  readonly at: Date;
}

/**
 * Verifies that a certificate for signing code leads to a trusted one (RFC 5280 §6, without what makes certificates
 * narrower than that: one with name constraints is refused).
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_CERTIFICATE_REJECTED`.
 */
export function verifyChain(leaf: Certificate, options: ChainOptions): void {
  if (!allowsCodeSigning(leaf)) rejectCertificate("it is not for signing code");
  if (!leads(leaf, options, 0)) {
    rejectCertificate("verifying leaf certificate failed: no valid chain to a trusted root");
  }
}

function leads(certificate: Certificate, options: ChainOptions, depth: number): boolean {
  if (depth > MAX_DEPTH || !isUsable(certificate, options.at)) return false;
  const issuers = ({ names }: Certificate) => same(names.subject, certificate.names.issuer);
  const trusted = options.roots.filter(issuers);
  if (trusted.some((root) => isUsable(root, options.at) && issued(root, certificate, depth))) return true;
  return options.intermediates.filter(issuers).some((one) =>
    issued(one, certificate, depth) && leads(one, options, depth + 1)
  );
}

/** Valid at that time, for signing code, and with nothing in it that is not understood. */
function isUsable({ validity, extensions, algorithm }: Certificate, at: Date): boolean {
  if (!(validity.from <= at && at <= validity.to) || WEAK_ALGORITHMS.includes(algorithm)) return false;
  for (const [id, { critical }] of extensions) {
    if (id === EXTENSIONS.nameConstraints || (critical && !UNDERSTOOD.includes(id))) return false;
  }
  return true;
}

/** Whether an authority signed a certificate, and may: as an authority, and with so many others below it. */
function issued(authority: Certificate, certificate: Certificate, below: number): boolean {
  const constraints = authority.extensions.get(EXTENSIONS.basicConstraints);
  if (!constraints) return false;
  const [isAuthority, limit] = readDer(readOne(constraints.value, DER_TAGS.sequence).body);
  if (isAuthority?.tag !== DER_TAGS.boolean || isAuthority.body[0] === 0) return false;
  if (limit && (limit.tag !== DER_TAGS.integer || limit.body.length !== 1 || limit.body[0]! < below)) return false;
  const usage = authority.extensions.get(EXTENSIONS.keyUsage);
  // A bit string begins with how many of its last bits do not count.
  if (usage && !((readOne(usage.value, DER_TAGS.bitString).body[1] ?? 0) & CERTIFICATE_SIGNING)) return false;
  return allowsCodeSigning(authority) && certificate.isSignedBy(authority.publicKey);
}

/** Whether a certificate is for signing code; one that says nothing is for everything. */
function allowsCodeSigning({ extensions }: Certificate): boolean {
  const uses = extensions.get(EXTENSIONS.extendedKeyUsage);
  if (!uses) return true;
  return readDer(readOne(uses.value, DER_TAGS.sequence).body).some(({ body }) =>
    [CODE_SIGNING, ANY_USE].includes(encodeHex(body))
  );
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
