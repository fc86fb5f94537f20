/** X.509 certificates that tests make byte by byte, so that they can be wrong in any way. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { encode } from "./images.ts";

/** Extensions by name, as object identifiers in hex. */
const OIDS = {
  commonName: "550403",
  ecdsaWithSha256: "2a8648ce3d040302",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  nameConstraints: "551d1e",
  extendedKeyUsage: "551d25",
  codeSigning: "2b06010505070303",
  serverAuth: "2b06010505070301",
  issuer: "2b0601040183bf300101",
  issuerV2: "2b0601040183bf300108",
  unknown: "2b0601040183bf3063",
};

/** A certificate with its key. */
export interface TestCertificate {
  readonly name: string;
  readonly pem: string;
  readonly privateKey: KeyObject;
}

/** Content of a certificate. */
export interface TestCertificateOptions {
  /** Common name of its subject. */
  name: string;
  /** Issuer; default: self-signed. */
  issuer?: TestCertificate;
  /** Default: an hour around now. */
  from?: Date;
  to?: Date;
  /** Whether it may sign others. */
  ca?: boolean;
  pathLength?: number;
  /** Default: signing code; `null`: it says nothing. */
  use?: "codeSigning" | "serverAuth" | null;
  emails?: string[];
  hosts?: string[];
  /** Fulcio's extensions. */
  oidcIssuer?: string;
  oidcIssuerV2?: string;
  /** An extension that nobody knows; critical. */
  odd?: boolean;
  nameConstraints?: boolean;
  keyUsage?: number;
}

function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const body = new Uint8Array(parts.flatMap((part) => [...part]));
  const size = body.length < 0x80
    ? [body.length]
    : body.length < 0x100
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff];
  return new Uint8Array([tag, ...size, ...body]);
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Uint8Array.fromHex(hex));
const bool = (value: boolean) => der(0x01, new Uint8Array([value ? 0xff : 0]));
const integer = (value: number) => der(0x02, new Uint8Array([value]));
const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [bool(true)] : []), der(0x04, value));
const nameOf = (text: string) => sequence(der(0x31, sequence(oid(OIDS.commonName), der(0x0c, encode(text)))));
const time = (date: Date) => der(0x18, encode(date.toISOString().replace(/[-:T]|\.\d+/g, "")));

function extensions(options: TestCertificateOptions): Uint8Array[] {
  const { ca, pathLength, use = ca ? null : "codeSigning", emails = [], hosts = [] } = options;
  const list: Uint8Array[] = [];
  if (ca !== undefined) {
    const limit = pathLength === undefined ? [] : [integer(pathLength)];
    list.push(extension(OIDS.basicConstraints, true, sequence(...(ca ? [bool(true), ...limit] : []))));
  }
  const keyUsage = options.keyUsage ?? (ca ? 0x06 : undefined);
  if (keyUsage !== undefined) list.push(extension(OIDS.keyUsage, true, der(0x03, new Uint8Array([0, keyUsage]))));
  if (use) list.push(extension(OIDS.extendedKeyUsage, false, sequence(oid(OIDS[use]))));
  const names = [...emails.map((one) => der(0x81, encode(one))), ...hosts.map((one) => der(0x82, encode(one)))];
  if (names.length > 0) list.push(extension(OIDS.subjectAltName, true, sequence(...names)));
  if (options.oidcIssuer) list.push(extension(OIDS.issuer, false, encode(options.oidcIssuer)));
  if (options.oidcIssuerV2) list.push(extension(OIDS.issuerV2, false, der(0x0c, encode(options.oidcIssuerV2))));
  if (options.odd) list.push(extension(OIDS.unknown, true, bool(true)));
  if (options.nameConstraints) {
    const subtree = sequence(der(0x82, encode("example.com")));
    list.push(extension(OIDS.nameConstraints, true, sequence(der(0xa0, subtree))));
  }
  return list;
}

/** Makes one. */
export function makeCertificate(options: TestCertificateOptions): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { name, issuer } = options;
  const { from = new Date(Date.now() - 3_600_000), to = new Date(Date.now() + 3_600_000) } = options;
  const algorithm = sequence(oid(OIDS.ecdsaWithSha256));
  const tbs = sequence(
    der(0xa0, integer(2)),
    der(0x02, crypto.getRandomValues(new Uint8Array(8)).map((byte, i) => i === 0 ? byte & 0x7f | 0x40 : byte)),
    algorithm,
    nameOf(issuer?.name ?? name),
    sequence(time(from), time(to)),
    nameOf(name),
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    der(0xa3, sequence(...extensions(options))),
  );
  const signature = sign("sha256", tbs, { key: issuer?.privateKey ?? privateKey, dsaEncoding: "der" });
  const bytes = sequence(tbs, algorithm, der(0x03, new Uint8Array([0]), new Uint8Array(signature)));
  const lines = bytes.toBase64().replace(/.{1,64}/g, "$&\n");
  return { name, privateKey, pem: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n` };
}
