/** Signatures that a log takes in as they are made. */
import assert from "node:assert/strict";
import {
  generateSigstoreKeyPair,
  openSigstoreSigner,
  type RekorOptions,
  type SigstoreSignature,
  verifySigstoreSignature,
} from "../../src/signature/room.ts";
import { ANNOTATIONS } from "../../src/signature/sigstore/annotations.ts";
import { readPublicKey } from "../../src/signature/sigstore/keys.ts";
import { logSignature } from "../../src/signature/sigstore/rekor.ts";
import { digestOf, type ManifestsError, parseReference } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";
import { createLog, type TestLog } from "../support/rekor.ts";
import { serve } from "../support/registries.ts";

const passphrase = encode("pw");
const pair = await generateSigstoreKeyPair(passphrase);
const MANIFEST = encode("{}");
const NAME = parseReference("quay.io/me/app:1");
const ENTRIES = "/api/v1/log/entries";

/** A log as it is reached, at once again where something fails. */
const reached = (log: TestLog, options: Partial<RekorOptions> = {}): RekorOptions => (
  { url: "https://rekor.example", fetch: log.fetch, retryDelay: 0, ...options }
);

/** One signature, and then the entries that logs make of it. */
await using plain = await openSigstoreSigner(encode(pair.privateKey), { passphrase });
const SIGNATURE = await plain.sign(MANIFEST, NAME);
const LOGGED = {
  payload: SIGNATURE.payload,
  raw: Uint8Array.fromBase64(SIGNATURE.annotations[ANNOTATIONS.signature]!),
  signer: (await readPublicKey(encode(pair.publicKey))).spki,
};

async function logIn(log: TestLog, options: Partial<RekorOptions> = {}): Promise<SigstoreSignature> {
  const bundle = await logSignature(LOGGED, reached(log, options));
  return { ...SIGNATURE, annotations: { ...SIGNATURE.annotations, [ANNOTATIONS.set]: bundle } };
}

function check(signature: SigstoreSignature, ...rekorPublicKeys: Uint8Array[]) {
  return verifySigstoreSignature(signature, {
    trust: { kind: "keys", publicKeys: [encode(pair.publicKey)], rekorPublicKeys },
    manifestDigest: digestOf(MANIFEST),
    acceptsReference: (name) => name === String(NAME),
  });
}

Deno.test("a signature with a log entry is accepted only if that log is trusted", async () => {
  const log = createLog();
  await using signer = await openSigstoreSigner(encode(pair.privateKey), { passphrase, rekor: reached(log) });
  const signature = await signer.sign(MANIFEST, NAME);
  assert.deepEqual(log.asked, [`POST ${ENTRIES}`]);
  const [entry] = log.entries.values();
  assert.deepEqual((await check(signature, log.publicKey)).loggedAt, new Date(entry!.integratedTime * 1000));
  await assert.rejects(check(signature, createLog().publicKey), { code: "SIGNATURE_LOG_REJECTED" });
  await assert.rejects(check(SIGNATURE, log.publicKey), { code: "SIGNATURE_LOG_REJECTED" });
});

Deno.test("the address of a log may have a path", async () => {
  const rows = [
    ["https://a.example/rekor/", "/rekor"],
    [new URL("http://a.example/x"), "/x"],
    ["https://me:secret@a.example/?secret", ""],
  ] as const;
  for (const [url, path] of rows) {
    const log = createLog();
    const { fetch } = log;
    const below = (request: Request) => {
      assert.ok(!request.url.includes("secret"));
      return fetch(new Request(request.url.replace(path, ""), request));
    };
    await check(await logIn(log, { url, fetch: below }), log.publicKey);
  }
});

/** The first answers of the log, and what it was asked then. */
const TAKEN: [name: string, answers: (number | "lost")[], asked: string[]][] = [
  ["trouble that passes", [429, 500, 503], ["POST", "POST", "POST", "POST"]],
  ["an answer that did not arrive", ["lost"], ["POST", "POST", "GET"]],
];

for (const [name, answers, asked] of TAKEN) {
  Deno.test(`a log entry is created once: ${name}`, async () => {
    const log = createLog();
    const left = [...answers];
    const { fetch } = log;
    const troubled = async (request: Request) => {
      const next = left.shift();
      if (typeof next === "number") log.instead = () => new Response(null, { status: next });
      else delete log.instead;
      const response = await fetch(request);
      if (next === "lost") throw new TypeError("connection reset");
      return response;
    };
    await check(await logIn(log, { fetch: troubled }), log.publicKey);
    assert.deepEqual(log.asked.map((line) => line.split(" ")[0]), asked);
    assert.equal(log.entries.size, 1);
  });
}

type Entry = Record<string, unknown> & { verification: Record<string, unknown> };
const changed =
  (change: (entry: Entry, all: Record<string, unknown>) => void) => async (log: TestLog, request: Request) => {
    delete log.instead;
    const all = await (await log.fetch(request)).json();
    change(Object.values(all)[0] as Entry, all);
    return Response.json(all, { status: 201 });
  };
/** Answers of the log that are not a valid entry. */
const REFUSED: [
  name: string,
  answer: (log: TestLog, request: Request) => Promise<Response> | Response,
  code?: string,
][] = [
  ["400", () => Response.json({ code: 400, message: "no\n\x1b[31m" }, { status: 400 })],
  ["200", () => Response.json({})],
  ["302", () => new Response(null, { status: 302, headers: { location: "https://b.example/" } })],
  ["500 again and again", () => new Response(null, { status: 500 })],
  ["501", () => new Response(null, { status: 501 })],
  ["409 without a place", () => new Response(null, { status: 409 })],
  [
    "409 with the location of a missing entry",
    () => new Response(null, { status: 409, headers: { location: "/x/y" } }),
  ],
  ["no JSON", () => new Response("<html>", { status: 201 })],
  ["no entry", () => Response.json({}, { status: 201 })],
  ["two entries", changed((entry, all) => all.more = entry)],
  ["no promise", changed((entry) => entry.verification = {})],
  ["a promise that is not base64", changed(({ verification }) => verification.signedEntryTimestamp = "?")],
  ["no time", changed((entry) => delete entry.integratedTime)],
  ["a time that is text", changed((entry) => entry.integratedTime = "1")],
  ["no body", changed((entry) => entry.body = {})],
  ["another record", changed((entry) => entry.body = btoa('{"kind":"hashedrekord","apiVersion":"0.0.1"}'))],
  ["too much", () => new Response("x".repeat(1024 * 1024 + 1), { status: 201 }), "LIMIT_EXCEEDED"],
  ["nothing", () => Promise.reject(new TypeError("connection refused")), "NETWORK"],
];

for (const [name, answer, code = "SIGNING_FAILED"] of REFUSED) {
  Deno.test(`signing fails without the required log entry: ${name}`, async () => {
    const log = createLog();
    let asked = 0;
    log.instead = (request) => {
      if (request.method !== "POST") return undefined;
      asked++;
      return answer(log, request);
    };
    await assert.rejects(logIn(log, { maxRetries: 1 }), (error: ManifestsError) => {
      assert.equal(error.code, code);
      // deno-lint-ignore no-control-regex -- What the log says must not steer a terminal.
      assert.ok(!/[\x00-\x1f]/.test(error.message), error.message);
      return true;
    });
    const passes = name.startsWith("500") || code === "NETWORK";
    assert.equal(asked, passes ? 2 : 1, "only what may pass is tried again");
  });
}

Deno.test("a redirect of a log is not followed", async () => {
  const log = createLog();
  await using elsewhere = serve(log.fetch);
  await using server = serve(() => {
    const headers = { location: `http://${elsewhere.host}${ENTRIES}` };
    return new Response(null, { status: 307, headers });
  });
  const reaching = logSignature(LOGGED, { url: `http://${server.host}` });
  await assert.rejects(reaching, { code: "SIGNING_FAILED" });
  assert.deepEqual(log.asked, []);
});

Deno.test("a log entry of another signature is refused", async () => {
  const log = createLog();
  await logIn(log);
  const [uuid] = log.entries.keys();
  log.instead = ({ method }) =>
    method === "POST" ? new Response(null, { status: 409, headers: { location: `${ENTRIES}/${uuid}` } }) : undefined;
  await check(await logIn(log), log.publicKey);
  const rows: Partial<typeof LOGGED>[] = [
    { payload: encode("other") },
    { raw: LOGGED.raw.toReversed() },
    { signer: (await readPublicKey(log.publicKey)).spki },
  ];
  for (const other of rows) {
    const { code, cause } = await logSignature({ ...LOGGED, ...other }, reached(log)).catch((error) => error);
    assert.deepEqual([code, cause?.code], ["SIGNING_FAILED", "SIGNATURE_LOG_REJECTED"], Object.keys(other)[0]);
  }
});

Deno.test("an abort does not wait for the log", async () => {
  const log = createLog();
  const abort = new AbortController();
  const reason = new Error("enough");
  log.instead = () => {
    abort.abort(reason);
    return new Response(null, { status: 503 });
  };
  await assert.rejects(logSignature(LOGGED, reached(log, { retryDelay: 1e6 }), { signal: abort.signal }), reason);
  assert.equal(log.asked.length, 1);
});
