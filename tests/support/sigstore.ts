import { type KeyObject, sign } from "node:crypto";
import { SIGSTORE_MEDIA_TYPE, type SigstoreSignature } from "../../src/signature/room.ts";
import { encodePem } from "../../src/signature/sigstore/pem.ts";
import { sealBox } from "../../src/signature/sigstore/secret_box.ts";
import { digestOf } from "../../src/spec/room.ts";
import { encode } from "./images.ts";

const SIGNATURE = "dev.cosignproject.cosign/signature";

/** Any bytes as an encrypted private key of cosign's form. */
export async function encryptedKey(pkcs8: Uint8Array, passphrase: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return encode(encodePem("ENCRYPTED COSIGN PRIVATE KEY", await sealBox(pkcs8, passphrase)));
}

/** The log entry that a log signs, as stored in a signature's annotations. */
export interface LogEntry {
  body: unknown;
  integratedTime: number;
  logID: string;
  logIndex: number;
}

/** The entry of a log for a signature by a key or a certificate, given as PEM. */
export function logEntry(signature: SigstoreSignature, pem: string, at: Date): LogEntry {
  const body = {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: digestOf(signature.payload).slice("sha256:".length) } },
      signature: { content: signature.annotations[SIGNATURE], publicKey: { content: btoa(pem) } },
    },
  };
  return { body, integratedTime: Math.floor(at.getTime() / 1000), logID: "00".repeat(32), logIndex: 1 };
}

/** The annotation by which a log promises that it took in an entry. */
export function logPromise(entry: LogEntry, key: KeyObject): string {
  const { body, integratedTime, logID, logIndex } = entry;
  const payload = { body: btoa(JSON.stringify(body)), integratedTime, logID, logIndex };
  const promise = sign("sha256", encode(payload), { key, dsaEncoding: "der" });
  return JSON.stringify({ SignedEntryTimestamp: new Uint8Array(promise).toBase64(), Payload: payload });
}

/** Signs a payload for an image with a bare key, as if with a certificate's. */
export function signWith(key: KeyObject, payload: Uint8Array<ArrayBuffer>): SigstoreSignature {
  const signature = new Uint8Array(sign("sha256", payload, { key, dsaEncoding: "der" })).toBase64();
  return { kind: "sigstore", mediaType: SIGSTORE_MEDIA_TYPE, payload, annotations: { [SIGNATURE]: signature } };
}
