import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { Fetch } from "../../src/internal/room.ts";
import { encode } from "./images.ts";
import { type LogEntry, logPromise } from "./sigstore.ts";

/** A log of signatures, as Rekor is one. */
export interface TestLog {
  /** Its API. */
  fetch: Fetch;
  /** Its public key, PEM. */
  publicKey: Uint8Array<ArrayBuffer>;
  /** Accepted entries by name. */
  entries: Map<string, LogEntry>;
  /** Requests, such as `POST /api/v1/log/entries`. */
  asked: string[];
  /** Answers instead of the log, unless it returns `undefined` and leaves the request unread. */
  instead?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

const ENTRIES = "/api/v1/log/entries";

/** Makes an empty log with a key of its own. */
export function createLog(): TestLog {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const log: TestLog = {
    publicKey: encode(String(publicKey.export({ type: "spki", format: "pem" }))),
    entries: new Map(),
    asked: [],
    async fetch(request) {
      const { pathname } = new URL(request.url);
      log.asked.push(`${request.method} ${pathname}`);
      const other = await log.instead?.(request);
      if (other) return other;
      if (request.method === "GET" && pathname.startsWith(`${ENTRIES}/`)) {
        return show(pathname.slice(ENTRIES.length + 1));
      }
      if (request.method !== "POST" || pathname !== ENTRIES) return new Response(null, { status: 404 });
      const record = await request.json();
      const problem = problemOf(record);
      if (problem) return Response.json({ code: 400, message: problem }, { status: 400 });
      const uuid = createHash("sha256").update(encode(record)).digest("hex");
      if (log.entries.has(uuid)) {
        const headers = { location: `${ENTRIES}/${uuid}` };
        return Response.json({ code: 409, message: "an equivalent entry already exists" }, { status: 409, headers });
      }
      const integratedTime = Math.floor(Date.now() / 1000);
      log.entries.set(uuid, { body: record, integratedTime, logID: "ab".repeat(32), logIndex: log.entries.size });
      return show(uuid, 201);
    },
  };
  const show = (uuid: string, status = 200): Response => {
    const entry = log.entries.get(uuid);
    if (!entry) return Response.json({ code: 404, message: "no such entry" }, { status: 404 });
    const { Payload, SignedEntryTimestamp } = JSON.parse(logPromise(entry, privateKey));
    const inclusionProof = { hashes: [], logIndex: entry.logIndex, rootHash: "00".repeat(32), treeSize: 1 };
    const verification = { inclusionProof, signedEntryTimestamp: SignedEntryTimestamp };
    return Response.json({ [uuid]: { ...Payload, verification } }, { status });
  };
  return log;
}

/** Returns the problem of a record; `undefined` if it is valid. The log accepts exactly one kind. */
// deno-lint-ignore no-explicit-any -- Anything may come.
function problemOf({ kind, apiVersion, spec }: any): string | undefined {
  if (kind !== "hashedrekord" || apiVersion !== "0.0.1") return "unknown kind of entry";
  if (spec?.data?.hash?.algorithm !== "sha256" || !/^[0-9a-f]{64}$/.test(spec.data.hash.value)) return "no hash";
  try {
    createPublicKey(atob(spec.signature.publicKey.content));
    return Uint8Array.fromBase64(spec.signature.content).length > 0 ? undefined : "no signature";
  } catch {
    return "no signature with its key";
  }
}
