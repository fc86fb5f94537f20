import { decodeUtf8 } from "../../internal/room.ts";
import { type Certificate, EXTENSIONS, rejectCertificate } from "./certificate.ts";
import { DER_TAGS, readDer, readOne } from "./der.ts";

/** Tags of subject alternative names (RFC 5280 §4.2.1.6): rfc822Name, dNSName. */
const EMAIL = 0x81;
const HOST = 0x82;

/** Asserts that a certificate contains this e-mail address. */
export function assertEmail(certificate: Certificate, email: string): void {
  if (subjectNames(certificate, EMAIL).includes(email)) return;
  rejectCertificate(`Required email ${JSON.stringify(email)} not found`);
}

/** Asserts that a certificate contains this host name, or a wildcard for its first label. */
export function assertHostname(certificate: Certificate, hostname: string): void {
  const [, ...parent] = hostname.toLowerCase().split(".");
  const accepted = [hostname.toLowerCase(), ...(parent.length > 1 ? [["*", ...parent].join(".")] : [])];
  if (subjectNames(certificate, HOST).some((name) => accepted.includes(name.toLowerCase()))) return;
  rejectCertificate(`Required host ${JSON.stringify(hostname)} not found`);
}

function subjectNames({ extensions }: Certificate, kind: number): string[] {
  const names = extensions.get(EXTENSIONS.subjectAltName);
  if (!names) return [];
  return readDer(readOne(names.value, DER_TAGS.sequence).body)
    .filter(({ tag }) => tag === kind)
    .map(({ body }) => String.fromCharCode(...body));
}

/** Asserts the OpenID Connect issuer in Fulcio's old extension, its new one, or both. */
export function assertIssuer({ extensions }: Certificate, issuer: string): void {
  const old = extensions.get(EXTENSIONS.issuer);
  const current = extensions.get(EXTENSIONS.issuerV2);
  const issuers = [
    ...(old ? [decodeUtf8(old.value)] : []),
    ...(current ? [decodeUtf8(readOne(current.value, DER_TAGS.utf8String).body)] : []),
  ];
  if (issuers.length === 0) rejectCertificate("it does not contain an OIDC issuer");
  if (issuers.some((one) => one !== issuer)) rejectCertificate(`Unexpected OIDC issuer ${JSON.stringify(issuers[0])}`);
}
