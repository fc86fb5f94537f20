import { concatBytes, decodeStrictBase64, encodeBase64, encodeUtf8 } from "../internal/room.ts";
import { encodeGoJson, type GoJsonValue, isObject, parseJson, sortedMap } from "../json/room.ts";
import { ManifestsError } from "../spec/room.ts";
import { MAX_SIGNATURE_SIZE, type Signature, type SigstoreSignature } from "./types.ts";

/**
 * First bytes of OpenPGP messages: compressed data, a one-pass signature or a signature, each with every type of
 * length. c/image lacks `0x93`.
 */
const FIRST_BYTES: ReadonlySet<number> = new Set(
  [0xa0, 0xa1, 0xa2, 0xa3, 0xc8, 0x90, 0x91, 0x92, 0x93, 0xc4, 0x88, 0x89, 0x8a, 0x8b, 0xc2],
);
const NEWLINE = 0x0a;
/** Maximum length of the name of a signature format, in characters. */
const MAX_NAME_LENGTH = 64;

/** Whether bytes start like a binary OpenPGP message, which is neither armored nor clear-signed. */
export function startsLikeMessage(bytes: Uint8Array): boolean {
  return bytes.length > 0 && FIRST_BYTES.has(bytes[0]!);
}

function fail(problem: string): never {
  throw new ManifestsError("SIGNATURE_FORMAT_UNKNOWN", `Cannot read signature: ${problem}`);
}

/**
 * Encodes a signature as directories, containers-storage and lookaside servers store it: an OpenPGP message unchanged,
 * any other format after a zero byte and the name of the format.
 */
export function encodeSignature(signature: Signature): Uint8Array<ArrayBuffer> {
  if (signature.kind === "simple") return signature.bytes;
  const json = encodeGoJson(
    new Map<string, GoJsonValue>([
      ["mimeType", signature.mediaType],
      ["payload", encodeBase64(signature.payload)],
      ["annotations", sortedMap(signature.annotations) ?? new Map()],
    ]),
  );
  return concatBytes([encodeUtf8("\0sigstore-json\n"), json]);
}

/**
 * Parses a signature that {@linkcode encodeSignature} or another tool wrote. Nothing in it is verified.
 *
 * @throws {ManifestsError} With code `SIGNATURE_FORMAT_UNKNOWN`, `INVALID_JSON`, or `LIMIT_EXCEEDED` above 4 MiB.
 */
export function parseSignature(bytes: Uint8Array<ArrayBuffer>): Signature {
  if (bytes.length > MAX_SIGNATURE_SIZE) {
    throw new ManifestsError(
      "LIMIT_EXCEEDED",
      `Cannot read signature: it has ${bytes.length} bytes, more than the allowed ${MAX_SIGNATURE_SIZE}`,
    );
  }
  if (bytes.length === 0) fail("empty signature blob");
  if (startsLikeMessage(bytes)) return { kind: "simple", bytes };
  if (bytes[0] !== 0) fail(`unrecognized signature format, starting with binary 0x${bytes[0]!.toString(16)}`);
  const end = bytes.subarray(0, MAX_NAME_LENGTH + 2).indexOf(NEWLINE);
  if (end < 0) fail("invalid signature format, missing newline");
  const name = formatName(bytes.subarray(1, end));
  const data = bytes.subarray(end + 1);
  if (name === "simple-signing") return { kind: "simple", bytes: data };
  if (name === "sigstore-json") return parseSigstoreJson(data);
  fail(`unrecognized signature format ${JSON.stringify(name)}`);
}

function formatName(bytes: Uint8Array): string {
  const odd = bytes.find((byte) => byte < 0x20 || byte >= 0x7f);
  if (odd !== undefined) fail(`invalid signature format, non-ASCII byte 0x${odd.toString(16)}`);
  return String.fromCharCode(...bytes);
}

function parseSigstoreJson(bytes: Uint8Array): SigstoreSignature {
  const { value } = parseJson(bytes, "sigstore signature");
  const { mimeType, payload, annotations } = isObject(value) ? value : {};
  const decoded = typeof payload === "string" ? decodeStrictBase64(payload) : undefined;
  if (typeof mimeType !== "string" || !decoded || !isStringMap(annotations)) {
    fail("mimeType, payload or annotations are missing or of the wrong type");
  }
  return { kind: "sigstore", mediaType: mimeType, payload: decoded, annotations };
}

function isStringMap(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}
