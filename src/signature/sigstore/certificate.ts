import { encodeHex, findNodeCrypto } from "../../internal/room.ts";
import { refuse } from "../refusal.ts";
import { DER_TAGS, type DerValue, readDer, readOne } from "./der.ts";
import { assertSupportedKey } from "./keys.ts";
import { NodePublicKey } from "./node_keys.ts";
import { parsePem } from "./pem.ts";

/** A certificate with the fields that chain verification needs, including those that `node:crypto` does not expose. */
export interface Certificate {
  /** The complete certificate in DER. */
  readonly der: Uint8Array<ArrayBuffer>;
  /** Public key of the subject. */
  readonly publicKey: NodePublicKey;
  /** Period in which the certificate is valid. */
  readonly validity: { readonly from: Date; readonly to: Date };
  /** Distinguished names of issuer and subject, in DER. */
  readonly names: { readonly issuer: Uint8Array; readonly subject: Uint8Array };
  /** Extensions by object identifier in hex. */
  readonly extensions: ReadonlyMap<string, Extension>;
  /** Object identifier of the signature algorithm, in hex. */
  readonly algorithm: string;
  /** Whether the certificate is signed with this key. */
  isSignedBy(key: NodePublicKey): boolean;
}

/** An extension of a certificate. */
export interface Extension {
  /** Whether a verifier without support for the extension must reject the certificate. */
  readonly critical: boolean;
  /** Value of the extension, in DER. */
  readonly value: Uint8Array<ArrayBuffer>;
}

/** Object identifiers of extensions, in hex. */
export const EXTENSIONS = {
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  nameConstraints: "551d1e",
  extendedKeyUsage: "551d25",
  /** Fulcio: the OpenID Connect issuer, as plain text. */
  issuer: "2b0601040183bf300101",
  /** Fulcio: the OpenID Connect issuer, as a DER string. */
  issuerV2: "2b0601040183bf300108",
} as const;

/** Parses the certificates of a PEM file; throws `SIGNATURE_CERTIFICATE_REJECTED`, also if it contains none. */
export function parseCertificates(pem: Uint8Array): Certificate[] {
  const crypto = findNodeCrypto() ?? rejectCertificate("certificates require node:crypto, which this runtime lacks");
  const blocks = parsePem(pem);
  if (blocks.length === 0) rejectCertificate("no certificate found");
  return blocks.map(({ type, bytes }) => {
    if (type !== "CERTIFICATE") rejectCertificate(`expected a CERTIFICATE block, found ${type}`);
    try {
      return parseCertificate(crypto, bytes);
    } catch (cause) {
      rejectCertificate("it cannot be parsed", cause);
    }
  });
}

function parseCertificate(
  crypto: NonNullable<ReturnType<typeof findNodeCrypto>>,
  der: Uint8Array<ArrayBuffer>,
): Certificate {
  const x509 = new crypto.X509Certificate(der);
  const spki = new Uint8Array(x509.publicKey.export({ type: "spki", format: "der" }));
  const [tbs, algorithm] = readDer(readOne(der, DER_TAGS.sequence).body);
  // version [0], serial, algorithm, issuer, validity, subject, key, then optional fields: RFC 5280 §4.1.
  const [, , , issuer, , subject, , ...optional] = readDer(tbs!.body);
  const extensions = optional.find(({ tag }) => tag === DER_TAGS.extensions);
  return {
    der,
    publicKey: assertSupportedKey(new NodePublicKey(crypto, spki, "spki"), "public key"),
    validity: { from: new Date(x509.validFrom), to: new Date(x509.validTo) },
    names: { issuer: issuer!.whole, subject: subject!.whole },
    extensions: extensions ? readExtensions(extensions) : new Map(),
    algorithm: encodeHex(readDer(algorithm!.body)[0]!.body),
    isSignedBy: (key) => x509.verify(key.object),
  };
}

function readExtensions(value: DerValue): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  for (const one of readDer(readOne(value.body, DER_TAGS.sequence).body)) {
    const [id, ...rest] = readDer(one.body);
    const critical = rest.length === 2 && rest[0]!.tag === DER_TAGS.boolean && rest[0]!.body[0] !== 0;
    const content = rest.at(-1);
    const name = encodeHex(id!.body);
    if (content?.tag !== DER_TAGS.octetString || extensions.has(name)) {
      throw new SyntaxError("an extension is malformed");
    }
    extensions.set(name, { critical, value: content.body });
  }
  return extensions;
}

/** Throws a `SignatureRefusedError` with code `SIGNATURE_CERTIFICATE_REJECTED`. */
export function rejectCertificate(problem: string, cause?: unknown): never {
  refuse("SIGNATURE_CERTIFICATE_REJECTED", `certificate is not accepted: ${problem}`, { cause });
}
