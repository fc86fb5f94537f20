import { createHasher, decodeStrictBase64, encodeUtf8 } from "../../internal/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { isManifestsError } from "../../spec/room.ts";
import { readMembers } from "../members.ts";
import { refuse } from "../refusal.ts";
import type { SigstoreSignature } from "../types.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { findVerifying, type PublicKey } from "./key.ts";
import { parsePem } from "./pem.ts";

/** What a log takes in. */
export interface LoggedSignature {
  /** What is signed. */
  readonly payload: Uint8Array;
  /** The signature. */
  readonly raw: Uint8Array;
  /** DER form of the public key, or of the certificate, that it is by. */
  readonly signer: Uint8Array;
}

/** What a log entry is compared with. */
export interface LogEntryOptions extends Omit<LoggedSignature, "payload"> {
  /** Keys of the log; ECDSA. */
  readonly rekorKeys: readonly PublicKey[];
}

/** An entry as an annotation holds it. Nothing in it is believed yet. */
interface LogEntry {
  /** The record, JSON in base64. */
  readonly body: string;
  /** When the log took it in, in seconds since 1970. */
  readonly integratedTime: number;
  /** What the log signed. */
  readonly canonical: Uint8Array<ArrayBuffer>;
  /** The log's signature. */
  readonly timestamp: Uint8Array<ArrayBuffer>;
}

/**
 * Verifies, without asking the log, its promise that it took in this very signature: Rekor's signed entry timestamp.
 *
 * @returns When the log says that it did.
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
 * Checks that an entry, as an annotation holds it, is about this very signature; not whether a log has signed that.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_LOG_REJECTED`.
 */
export function assertLogEntry(text: string, signature: LoggedSignature): void {
  assertBody(parseEntry(text).body, signature);
}

/** The hash by which a record names a payload: SHA-256, in hex. */
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
  // RFC 8785 for four members: keys in order, no spaces; the numbers are whole.
  const canonical = encodeUtf8(JSON.stringify({ body, integratedTime, logID, logIndex }));
  const timestamp = base64(set.get("SignedEntryTimestamp"), "SignedEntryTimestamp");
  return { body, integratedTime, canonical, timestamp };
}

/**
 * The entry must be about this payload, this signature and this key: a true entry of another one proves nothing. The
 * log signed all of it, so what else it says may stand there.
 */
function assertBody(body: string, { payload, raw, signer }: LoggedSignature): void {
  const record = parse(base64(body, "body"));
  if (record.kind !== "hashedrekord" || record.apiVersion !== "0.0.1") fail("its kind is not hashedrekord 0.0.1");
  const { data, signature } = object(record.spec);
  const { hash } = object(data);
  const { algorithm, value } = object(hash);
  if (algorithm !== "sha256" || value !== payloadHash(payload)) fail("it is about another payload");
  const { content, publicKey } = object(signature);
  if (!equal(base64(content, "signature.content"), raw)) fail("it is about another signature");
  const blocks = parsePem(base64(object(publicKey).content, "publicKey.content"));
  if (blocks.length !== 1 || !equal(blocks[0]!.bytes, signer)) fail("it is about another key");
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
