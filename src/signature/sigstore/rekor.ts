import { encodeBase64, encodeUtf8, type SignalOptions } from "../../internal/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { isManifestsError, ManifestsError } from "../../spec/room.ts";
import { assertLogEntry, type LoggedSignature, payloadHash } from "./log_entry.ts";
import { encodePem } from "./pem.ts";
import { askRekor, type RekorAnswer, type RekorOptions } from "./rekor_client.ts";

const ENTRIES = "/api/v1/log/entries";

/**
 * Records a signature in a transparency log. No secret is sent, but the record is public forever.
 * Go: `rekor.WithRekor`.
 *
 * @returns The value of the annotation that proves it: the signed entry timestamp and the entry.
 * @throws {ManifestsError} With code `SIGNING_FAILED`, `NETWORK` or `LIMIT_EXCEEDED`.
 */
export async function logSignature(
  signature: LoggedSignature,
  log: RekorOptions,
  { signal }: SignalOptions = {},
): Promise<string> {
  let answer = await askRekor(log, { method: "POST", path: ENTRIES, record: createRecord(signature), signal });
  // Conflict: the log already has this entry, for example because an earlier answer was lost. Read it instead.
  if (answer.status === 409) {
    const uuid = answer.location.slice(answer.location.lastIndexOf("/") + 1);
    answer = await askRekor(log, { method: "GET", path: `${ENTRIES}/${encodeURIComponent(uuid)}`, signal });
    if (answer.status !== 200) fail(answer);
  } else if (answer.status !== 201) fail(answer);
  try {
    const bundle = readBundle(answer.body);
    assertLogEntry(bundle, signature);
    return bundle;
  } catch (cause) {
    if (!isManifestsError(cause)) throw cause;
    throw new ManifestsError("SIGNING_FAILED", `Cannot use the log entry of ${answer.url}: ${cause.message}`, {
      cause,
    });
  }
}

function createRecord({ payload, raw, signer }: LoggedSignature): unknown {
  const publicKey = { content: encodeBase64(encodeUtf8(encodePem("PUBLIC KEY", signer))) };
  return {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: payloadHash(payload) } },
      signature: { content: encodeBase64(raw), publicKey },
    },
  };
}

/** Extracts the members that verifiers need from an answer, which maps an id to one entry. */
function readBundle(body: Uint8Array): string {
  const { value } = parseJson(body, "log entry");
  const entries = isObject(value) ? Object.values(value) : [];
  const entry = entries.length === 1 && isObject(entries[0]) ? entries[0] : {};
  const { body: record, integratedTime, logIndex, logID, verification } = entry;
  const { signedEntryTimestamp } = isObject(verification) ? verification : {};
  return JSON.stringify({
    Payload: { body: record, integratedTime, logIndex, logID },
    SignedEntryTimestamp: signedEntryTimestamp,
  });
}

function fail({ url, status, body }: RekorAnswer): never {
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder().decode(body)).message;
  } catch {
    // The answer is not an error message of Rekor.
  }
  const detail = typeof message === "string" ? `: ${JSON.stringify(message.slice(0, 300))}` : "";
  throw new ManifestsError("SIGNING_FAILED", `Cannot record signature in the log: ${url} answered ${status}${detail}`);
}
