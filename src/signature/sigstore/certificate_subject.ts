import { decodeUtf8 } from "../../internal/room.ts";
import { type Certificate, EXTENSIONS, rejectCertificate } from "./certificate.ts";
import { DER_TAGS, readDer, readOne } from "./der.ts";

/** Tags of the kinds of names that a certificate gives its subject. */
const EMAIL = 0x81;
const HOST = 0x82;

/** Throws unless a certificate names this e-mail address. */
export function assertEmail(certificate: Certificate, email: string): void {
  if (subjectNames(certificate, EMAIL).includes(email)) return;
  rejectCertificate(`Required email ${JSON.stringify(email)} not found`);
}

/** Throws unless a certificate names this host, perhaps by a `*` for its first label. */
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

/** Throws unless Fulcio says that this issuer vouched for the subject: in its old extension, its new one, or both. */
export function assertIssuer({ extensions }: Certificate, issuer: string): void {
  const old = extensions.get(EXTENSIONS.issuer);
  const current = extensions.get(EXTENSIONS.issuerV2);
  const said = [
    ...(old ? [decodeUtf8(old.value)] : []),
    ...(current ? [decodeUtf8(readOne(current.value, DER_TAGS.utf8String).body)] : []),
  ];
  if (said.length === 0) rejectCertificate("it names no OIDC issuer");
  if (said.some((one) => one !== issuer)) rejectCertificate(`Unexpected OIDC issuer ${JSON.stringify(said[0])}`);
}
