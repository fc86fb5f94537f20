import { concatBytes, decodeStrictBase64, encodeBase64, encodeUtf8 } from "../../internal/room.ts";
import { isObject } from "../../json/room.ts";
import { refuse } from "../refusal.ts";

/** Media type of an envelope that is stored as a layer, as cosign does under `.att` tags. */
export const ENVELOPE_MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json";
/** Type of the payload of an attestation: an in-toto statement. */
const STATEMENT_TYPE = "application/vnd.in-toto+json";
/** Maximum number of signatures of an envelope. Real ones have one. */
const MAX_SIGNATURES = 32;

/** A signed statement: an envelope of DSSE (github.com/secure-systems-lab/dsse, protocol.md). */
export interface Envelope {
  /** Exact bytes of the signed statement, which is JSON. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The signatures over {@linkcode bytesToSign} of the payload. */
  readonly signatures: readonly Uint8Array<ArrayBuffer>[];
}

/** Returns the bytes that a signature of a statement covers: the type and the payload, each after its length. */
export function bytesToSign(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const type = encodeUtf8(STATEMENT_TYPE);
  const head = `DSSEv1 ${type.length} ${STATEMENT_TYPE} ${payload.length} `;
  return concatBytes([encodeUtf8(head), payload]);
}

/** Returns the JSON object of an envelope. */
export function envelopeJson({ payload, signatures }: Envelope): Record<string, unknown> {
  return {
    payloadType: STATEMENT_TYPE,
    payload: encodeBase64(payload),
    signatures: signatures.map((signature) => ({ sig: encodeBase64(signature) })),
  };
}

/**
 * Reads the JSON object of an envelope. Nothing in it is verified.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_FORMAT_UNKNOWN`.
 */
export function readEnvelope(value: unknown): Envelope {
  const { payloadType, payload, signatures } = isObject(value) ? value : {};
  if (payloadType !== STATEMENT_TYPE) fail(`its payload is not of type ${STATEMENT_TYPE}`);
  if (!Array.isArray(signatures) || signatures.length > MAX_SIGNATURES) {
    fail(`it does not have an array of at most ${MAX_SIGNATURES} signatures`);
  }
  return {
    payload: decode(payload, "payload"),
    signatures: signatures.map((one) => decode(isObject(one) ? one.sig : undefined, "signature")),
  };
}

function decode(value: unknown, what: string): Uint8Array<ArrayBuffer> {
  return (typeof value === "string" ? decodeStrictBase64(value) : undefined) ?? fail(`its ${what} is not base64`);
}

function fail(problem: string): never {
  refuse("SIGNATURE_FORMAT_UNKNOWN", `attestation has an unknown format: ${problem}`);
}
