import { encodeBase64, encodeUtf8 } from "../../internal/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { digestHex, digestOf, isManifestsError } from "../../spec/room.ts";
import { refuse } from "../refusal.ts";
import { type Envelope, envelopeJson, readEnvelope } from "./envelope.ts";

/** Beginning of the media types of Sigstore bundles of all versions. */
const BUNDLE_TYPES = "application/vnd.dev.sigstore.bundle";
/** Media type of the bundles that are written. */
export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** Returns whether a media type or artifact type is that of a Sigstore bundle of any version. */
export function isBundleType(type: string): boolean {
  return type.startsWith(BUNDLE_TYPES);
}

/**
 * Encodes a Sigstore bundle (sigstore_bundle.proto) of a statement that a key signed.
 *
 * @param publicKey The signer's public key, in DER. The bundle contains only its SHA-256 digest, as a hint.
 */
export function encodeBundle(envelope: Envelope, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const hint = digestHex(digestOf(publicKey)).match(/../g)!.map((hex) => parseInt(hex, 16));
  return encodeUtf8(JSON.stringify({
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: encodeBase64(Uint8Array.from(hint)) } },
    dsseEnvelope: envelopeJson(envelope),
  }));
}

/**
 * Parses a Sigstore bundle. Nothing in it is verified.
 *
 * @returns The signed statement; `undefined` if the bundle signs its subject without a statement.
 * @throws {SignatureRefusedError} With code `SIGNATURE_FORMAT_UNKNOWN`.
 */
export function parseBundle(bytes: Uint8Array): Envelope | undefined {
  const { mediaType, dsseEnvelope, messageSignature } = parseObject(bytes);
  if (typeof mediaType !== "string" || !isBundleType(mediaType)) fail("its media type is not that of a bundle");
  if ((dsseEnvelope === undefined) === (messageSignature === undefined)) {
    fail("it must have either a dsseEnvelope or a messageSignature");
  }
  return dsseEnvelope === undefined ? undefined : readEnvelope(dsseEnvelope);
}

/** Parses an envelope that is stored without a bundle, as cosign does under `.att` tags. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  return readEnvelope(parseObject(bytes));
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const { value } = parseJson(bytes, "attestation");
    return isObject(value) ? value : fail("it is not a JSON object");
  } catch (error) {
    if (!isManifestsError(error, "INVALID_JSON")) throw error;
    fail(error.message);
  }
}

function fail(problem: string): never {
  refuse("SIGNATURE_FORMAT_UNKNOWN", `attestation has an unknown format: ${problem}`);
}
