import { VERSION } from "../internal/room.ts";
import { encodeGoJson, type GoJsonValue, parseJson } from "../json/room.ts";
import { type Digest, isDigest, isManifestsError } from "../spec/room.ts";
import { readMembers } from "./members.ts";
import { refuse } from "./refusal.ts";

/** The `type` member of a payload. A payload of one kind of signature is never accepted for the other. */
export type PayloadType = "atomic container signature" | "cosign container image signature";

/** The claims of a signature: which manifest was signed under which name. */
export interface Claims {
  /** Digest of the signed manifest. */
  readonly digest: Digest;
  /** The name under which the manifest was signed, as written in the signature. */
  readonly reference: string;
  /** The program that signed. Informational: not verified. `undefined`: not stated. */
  readonly creator?: string | undefined;
  /** Time of signing, in seconds since 1970. Informational: not verified. `undefined`: not stated. */
  readonly timestamp?: number | undefined;
}

/** The manifest and names with which the claims of a signature are compared. */
export interface ExpectedClaims {
  /** Digest of the manifest to be used, or its digests by several algorithms. */
  readonly manifestDigest: Digest | readonly Digest[];
  /** Whether a signature under this name is accepted for the image. */
  readonly acceptsReference: (reference: string) => boolean;
}

/** Maximum size of a payload, in bytes. Real payloads have about 300 bytes, and annotations may add to that. */
const MAX_PAYLOAD_SIZE = 64 * 1024;

/** Default value of `creator` in new signatures. */
export const CREATOR: string = `@multiarch/manifests ${VERSION}`;

function object(...members: [string, GoJsonValue | undefined][]): GoJsonValue {
  return new Map(members);
}

/** Encodes the payload to be signed, with the keys in the order in which Go writes them. */
export function encodePayload(type: PayloadType, claims: Claims): Uint8Array<ArrayBuffer> {
  return encodeGoJson(object(
    [
      "critical",
      object(
        ["identity", object(["docker-reference", claims.reference])],
        ["image", object(["docker-manifest-digest", claims.digest])],
        ["type", type],
      ),
    ],
    ["optional", object(["creator", claims.creator], ["timestamp", claims.timestamp])],
  ));
}

/**
 * Parses a signed payload. Call this only after the signature over these bytes has been verified.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_PAYLOAD_INVALID`, or `LIMIT_EXCEEDED` above 64 KiB.
 */
export function parsePayload(type: PayloadType, bytes: Uint8Array): Claims {
  if (bytes.length > MAX_PAYLOAD_SIZE) {
    refuse("LIMIT_EXCEEDED", `invalid payload: it is larger than ${MAX_PAYLOAD_SIZE} bytes`);
  }
  const top = readMembers(parse(bytes), { required: ["critical", "optional"] }, invalid);
  const critical = readMembers(top.get("critical"), { required: ["type", "image", "identity"] }, invalid);
  const image = readMembers(critical.get("image"), { required: ["docker-manifest-digest"] }, invalid);
  const identity = readMembers(critical.get("identity"), { required: ["docker-reference"] }, invalid);
  if (critical.get("type") !== type) invalid(`Unrecognized signature type ${quote(critical.get("type"))}`);
  const digest = image.get("docker-manifest-digest");
  if (typeof digest !== "string" || !isDigest(digest)) invalid(`invalid docker-manifest-digest value ${quote(digest)}`);
  const reference = identity.get("docker-reference");
  if (typeof reference !== "string") invalid("docker-reference is not a string");
  return { digest, reference, ...readOptional(type, top.get("optional")) };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes, "signature payload").value;
  } catch (cause) {
    if (!isManifestsError(cause)) throw cause;
    refuse("SIGNATURE_PAYLOAD_INVALID", cause.message, { cause });
  }
}

function readOptional(type: PayloadType, value: unknown): Pick<Claims, "creator" | "timestamp"> {
  // cosign writes null for an empty object.
  if (value === null && type === "cosign container image signature") return {};
  if (value === null || typeof value !== "object" || Array.isArray(value)) invalid("optional is not an object");
  const { creator, timestamp } = value as Record<string, unknown>;
  if (creator !== undefined && typeof creator !== "string") invalid("optional.creator is not a string");
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp)) invalid("optional.timestamp is not an integer");
  return { creator, timestamp: timestamp as number | undefined };
}

/**
 * Asserts that the claims of a verified signature match the image.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_DIGEST_MISMATCH` or `SIGNATURE_IDENTITY_MISMATCH`.
 */
export function assertClaims(claims: Claims, expected: ExpectedClaims): void {
  if (![expected.manifestDigest].flat().includes(claims.digest)) {
    refuse("SIGNATURE_DIGEST_MISMATCH", `Signature for digest ${claims.digest} does not match`);
  }
  if (!expected.acceptsReference(claims.reference)) {
    refuse("SIGNATURE_IDENTITY_MISMATCH", `Signature for identity ${quote(claims.reference)} is not accepted`);
  }
}

function invalid(problem: string): never {
  refuse("SIGNATURE_PAYLOAD_INVALID", `invalid payload: ${problem}`);
}

function quote(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 256);
}
