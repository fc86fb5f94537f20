import { createHasher, decodeStrictBase64, encodeUtf8 } from "../../internal/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { isManifestsError } from "../../spec/room.ts";
import { readMembers } from "../members.ts";
import { refuse } from "../refusal.ts";
import type { SigstoreSignature } from "../types.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { findVerifying, type PublicKey } from "./key.ts";
import { parsePem } from "./pem.ts";

/** A signature as a transparency log records it. */
export interface LoggedSignature {
  /** The payload that was signed. */
  readonly payload: Uint8Array;
  /** The signature over the payload. */
  readonly raw: Uint8Array;
  /** The signer's public key or certificate, in DER. */
  readonly signer: Uint8Array;
}

/** Options of {@linkcode verifyLogEntry}: the signature that the entry must record, and the trusted logs. */
export interface LogEntryOptions extends Omit<LoggedSignature, "payload"> {
  /** Public keys of the log. Only ECDSA keys are used. */
  readonly rekorKeys: readonly PublicKey[];
}

/** An entry from an annotation, not yet verified. */
interface LogEntry {
  /** The record of the entry: base64-encoded JSON. */
  readonly body: string;
  /** Time at which the log recorded the signature, in seconds since 1970. */
  readonly integratedTime: number;
  /** The bytes that the log signed. */
  readonly canonical: Uint8Array<ArrayBuffer>;
  /** The log's signature over `canonical`: the signed entry timestamp. */
  readonly timestamp: Uint8Array<ArrayBuffer>;
}

/**
 * Verifies offline that a log recorded exactly this signature, by Rekor's signed entry timestamp.
 *
 * @returns The time at which the log recorded the signature.
 * @throws {SignatureRefusedError} With code `SIGNATURE_LOG_REJECTED`.
 */
export async function verifyLogEntry(signature: SigstoreSignature, options: LogEntryOptions): Promise<Date> {
  const { annotations, payload } = signature;
  const text = Object.hasOwn(annotations, ANNOTATIONS.set) ? annotations[ANNOTATIONS.set]! : undefined;
  if (text === undefined) fail(`missing ${ANNOTATIONS.set} annotation`);
  const { body, integratedTime, canonical, timestamp } = parseEntry(text);
  const { rekorKeys, raw, signer } = options;
  const logKeys = rekorKeys.filter(({ kind }) => kind.type === "ec");
  if (!(await findVerifying(logKeys, canonical, timestamp))) {
    fail("cryptographic verification of the signed entry timestamp failed");
  }
  assertBody(body, { payload, raw, signer });
  return new Date(integratedTime * 1000);
}

/**
 * Asserts that an entry from an annotation records exactly this signature. The log's own signature is not verified.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_LOG_REJECTED`.
 */
export function assertLogEntry(text: string, signature: LoggedSignature): void {
  assertBody(parseEntry(text).body, signature);
}

/** Returns the hash by which a record identifies a payload: SHA-256 in hex. */
export function payloadHash(payload: Uint8Array): string {
  const hasher = createHasher("sha256");
  hasher.update(payload);
  return hasher.hex();
}

function parseEntry(text: string): LogEntry {
  const set = members(parse(encodeUtf8(text)), ["SignedEntryTimestamp", "Payload"]);
  const entry = members(set.get("Payload"), ["body", "integratedTime", "logIndex", "logID"]);
  const { body, integratedTime, logIndex, logID } = Object.fromEntries(entry);
  if (typeof body !== "string" || typeof logID !== "string") fail("body or logID is not a string");
  if (!isCount(integratedTime) || !isCount(logIndex)) fail("integratedTime or logIndex is not a number");
  // Canonical JSON (RFC 8785) of four members: sorted keys, no spaces, and all numbers are integers.
  const canonical = encodeUtf8(JSON.stringify({ body, integratedTime, logID, logIndex }));
  const timestamp = base64(set.get("SignedEntryTimestamp"), "SignedEntryTimestamp");
  return { body, integratedTime, canonical, timestamp };
}

/**
 * Asserts that the record is of this payload, signature and key: a genuine entry of another signature proves nothing.
 * Further members are allowed, because the log signed all of them.
 */
function assertBody(body: string, { payload, raw, signer }: LoggedSignature): void {
  const record = parse(base64(body, "body"));
  if (record.kind !== "hashedrekord" || record.apiVersion !== "0.0.1") fail("its kind is not hashedrekord 0.0.1");
  const { data, signature } = object(record.spec);
  const { hash } = object(data);
  const { algorithm, value } = object(hash);
  if (algorithm !== "sha256" || value !== payloadHash(payload)) fail("it records another payload");
  const { content, publicKey } = object(signature);
  if (!equal(base64(content, "signature.content"), raw)) fail("it records another signature");
  const blocks = parsePem(base64(object(publicKey).content, "publicKey.content"));
  if (blocks.length !== 1 || !equal(blocks[0]!.bytes, signer)) fail("it records another key");
}

function object(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : fail("JSON object expected");
}

function members(value: unknown, required: readonly string[]): ReadonlyMap<string, unknown> {
  return readMembers(value, { required }, fail);
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    return object(parseJson(bytes, "log entry").value);
  } catch (error) {
    if (!isManifestsError(error, "INVALID_JSON")) throw error;
    fail(error.message);
  }
}

function base64(value: unknown, what: string): Uint8Array<ArrayBuffer> {
  return (typeof value === "string" ? decodeStrictBase64(value) : undefined) ?? fail(`${what} is not base64`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function fail(problem: string): never {
  refuse("SIGNATURE_LOG_REJECTED", `log entry is not accepted: ${problem}`);
}
