import { encodeHex } from "../../internal/room.ts";
import { type Certificate, EXTENSIONS, rejectCertificate } from "./certificate.ts";
import { DER_TAGS, readDer, readOne } from "./der.ts";

/** Maximum length of a chain. Real ones have three certificates. */
const MAX_DEPTH = 8;
/** Object identifiers of extended key usages, in hex: code signing, and any (RFC 5280 §4.2.1.12). */
const CODE_SIGNING = "2b06010505070303";
const ANY_USE = "551d2500";
/** Object identifiers of broken signature algorithms: MD5 and SHA-1 with RSA, SHA-1 with ECDSA. */
const WEAK_ALGORITHMS: readonly string[] = ["2a864886f70d010104", "2a864886f70d010105", "2a8648ce3d0401"];
/** Supported extensions. A certificate with another critical extension is rejected. */
const UNDERSTOOD: readonly string[] = [
  EXTENSIONS.keyUsage,
  EXTENSIONS.subjectAltName,
  EXTENSIONS.basicConstraints,
  EXTENSIONS.extendedKeyUsage,
];
/** The keyCertSign bit in the first byte of the key usage (RFC 5280 §4.2.1.3). */
const CERTIFICATE_SIGNING = 0x04;

/** Certificates from which a chain may be built. */
export interface ChainOptions {
  /** Trusted certificates at which a chain may end. */
  readonly roots: readonly Certificate[];
  /** Intermediate certificates, which are not trusted by themselves. */
  readonly intermediates: readonly Certificate[];
  /** Time at which all certificates of the chain must be valid. */
  readonly at: Date;
}

/**
 * Verifies that a code-signing certificate has a chain to a trusted root (RFC 5280 §6). Name constraints are not
 * supported: a certificate with them is rejected.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_CERTIFICATE_REJECTED`.
 */
export function verifyChain(leaf: Certificate, options: ChainOptions): void {
  if (!allowsCodeSigning(leaf)) rejectCertificate("its extended key usage does not allow code signing");
  if (!hasChain(leaf, options, 0)) {
    rejectCertificate("verifying leaf certificate failed: no valid chain to a trusted root");
  }
}

function hasChain(certificate: Certificate, options: ChainOptions, depth: number): boolean {
  if (depth > MAX_DEPTH || !isUsable(certificate, options.at)) return false;
  const issuers = ({ names }: Certificate) => same(names.subject, certificate.names.issuer);
  const trusted = options.roots.filter(issuers);
  if (trusted.some((root) => isUsable(root, options.at) && isIssuedBy(certificate, root, depth))) return true;
  return options.intermediates.filter(issuers).some((one) =>
    isIssuedBy(certificate, one, depth) && hasChain(one, options, depth + 1)
  );
}

/** Whether a certificate is valid at a time, has a strong signature and no unsupported extension. */
function isUsable({ validity, extensions, algorithm }: Certificate, at: Date): boolean {
  if (!(validity.from <= at && at <= validity.to) || WEAK_ALGORITHMS.includes(algorithm)) return false;
  for (const [id, { critical }] of extensions) {
    if (id === EXTENSIONS.nameConstraints || (critical && !UNDERSTOOD.includes(id))) return false;
  }
  return true;
}

/** Whether an authority signed a certificate and was allowed to, also with `below` certificates below it. */
function isIssuedBy(certificate: Certificate, authority: Certificate, below: number): boolean {
  const constraints = authority.extensions.get(EXTENSIONS.basicConstraints);
  if (!constraints) return false;
  const [isAuthority, limit] = readDer(readOne(constraints.value, DER_TAGS.sequence).body);
  if (isAuthority?.tag !== DER_TAGS.boolean || isAuthority.body[0] === 0) return false;
  if (limit && (limit.tag !== DER_TAGS.integer || limit.body.length !== 1 || limit.body[0]! < below)) return false;
  const usage = authority.extensions.get(EXTENSIONS.keyUsage);
  // The first byte of a bit string is the number of unused bits at its end.
  if (usage && !((readOne(usage.value, DER_TAGS.bitString).body[1] ?? 0) & CERTIFICATE_SIGNING)) return false;
  return allowsCodeSigning(authority) && certificate.isSignedBy(authority.publicKey);
}

/** Whether a certificate may sign code. Without extended key usages, it may be used for everything. */
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
