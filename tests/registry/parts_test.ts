/** Unit tests of the client's small parts. */
import assert from "node:assert/strict";
import { findRetryAfter, isTransientStatus, retryDelay } from "../../src/internal/room.ts";
import { findContentRange } from "../../src/registry/content_range.ts";
import { findLocation } from "../../src/registry/location.ts";
import { RegistryClient } from "../../src/registry/client.ts";
import { registryOrigins } from "../../src/registry/origins.ts";
import { HostPauses } from "../../src/registry/pause.ts";
import { isPrivateHost } from "../../src/registry/private_host.ts";
import { referrersTag } from "../../src/registry/referrers.ts";
import { coversScopes, normalizeScopes, parseScopes } from "../../src/registry/scopes.ts";
import type { Digest } from "../../src/spec/room.ts";
import { HeldTimers, runPending } from "../support/timers.ts";

Deno.test("isPrivateHost() recognizes addresses outside the public internet", () => {
  const inside =
    "localhost a.localhost 127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 " +
    "100.64.0.1 0.0.0.0 [::1] [::] [fc00::1] [fd12::1] [fe80::1] [fe9f::1] [fea0::1] [febf::1] [::ffff:127.0.0.1] [::ffff:192.168.0.1] 2130706433 0x7f.1";
  const outside =
    "quay.io 11.0.0.1 172.15.0.1 172.32.0.1 192.169.0.1 100.128.0.1 8.8.8.8 [2001:db8::1] [fe7f::1] [::ffff:8.8.8.8] " +
    "10.example.com localhost.example.com fd12.example";
  for (const host of inside.split(" ")) assert.equal(isPrivateHost(new URL(`http://${host}/`)), true, host);
  for (const host of outside.split(" ")) assert.equal(isPrivateHost(new URL(`http://${host}/`)), false, host);
});

Deno.test("findContentRange() accepts a single consistent range", () => {
  const rows: [header: string | null, expected: [number, number, number | undefined] | undefined][] = [
    ["bytes 0-9/10", [0, 9, 10]],
    ["bytes 5-9/*", [5, 9, undefined]],
    ["bytes 9-5/10", undefined],
    ["bytes 0-10/10", undefined],
    ["bytes */10", undefined],
    ["bytes=0-9/10", undefined],
    ["0-9/10", undefined],
    ["bytes 0-9/10, bytes 0-9/10", undefined],
    ["bytes 0-9/99999999999999999999", undefined],
    [null, undefined],
  ];
  for (const [header, expected] of rows) {
    const found = findContentRange(header);
    assert.deepEqual(found && [found.first, found.last, found.size], expected, `${header}`);
  }
});

Deno.test("findLocation() keeps signed queries, and takes scheme and port from the request", () => {
  const rows: [asked: string, location: string | null, expected: string | undefined][] = [
    ["https://r.example/v2/a/", "/x?sig=a%2Fb~+%20=", "https://r.example/x?sig=a%2Fb~+%20="],
    ["https://r.example/v2/a/", "?x=1", "https://r.example/v2/a/?x=1"],
    ["https://r.example/v2/a/", "//s.example/x", "https://s.example/x"],
    ["https://r.example/v2/a/", "http://r.example/x?a=1", "https://r.example/x?a=1"],
    ["https://r.example/v2/a/", "http://r.example:80/x", "https://r.example/x"],
    ["https://r.example:5000/v2/a/", "https://r.example/x", "https://r.example:5000/x"],
    ["http://r.example:5000/v2/a/", "http://r.example/x", "http://r.example:5000/x"],
    ["http://r.example/v2/a/", "https://r.example/x", "https://r.example/x"],
    ["https://r.example/v2/a/", "https://r.example:8443/x", "https://r.example:8443/x"],
    ["https://r.example/v2/a/", "https://me:pw@s.example/x", "https://s.example/x"],
    ["https://r.example/v2/a/", "", undefined],
    ["https://r.example/v2/a/", "http://", undefined],
    ["https://r.example/v2/a/", null, undefined],
  ];
  for (const [url, location, expected] of rows) {
    const response = new Response(null, location === null ? {} : { headers: { location } });
    assert.equal(findLocation({ response, url }), expected, `${location}`);
  }
});

Deno.test("scopes are joined by resource, and a wider scope covers a narrower one", () => {
  assert.deepEqual(normalizeScopes(["repository:b:5000/x:push", "repository:a:pull", "repository:b:5000/x:pull"]), [
    "repository:a:pull",
    "repository:b:5000/x:push,pull",
  ]);
  assert.deepEqual(parseScopes("repository:a:pull nonsense  repository:b:pull,push"), [
    "repository:a:pull",
    "repository:b:pull,push",
  ]);
  const rows: [granted: string[], wanted: string[], covers: boolean][] = [
    [["repository:a:pull,push"], ["repository:a:pull"], true],
    [["repository:a:*"], ["repository:a:delete"], true],
    [["repository:a:pull"], ["repository:a:pull,push"], false],
    [["repository:a:pull"], ["repository:b:pull"], false],
    [["repository:a:pull", "repository:b:pull"], ["repository:b:pull"], true],
    [[], [], true],
    [[], ["registry:catalog:*"], false],
  ];
  for (const [granted, wanted, covers] of rows) assert.equal(coversScopes(granted, wanted), covers);
});

Deno.test("referrersTag() returns a valid tag for every digest", () => {
  const hex = "0123456789abcdef".repeat(4);
  assert.equal(referrersTag(`sha256:${hex}` as Digest), `sha256-${hex}`);
  assert.equal(referrersTag(`sha512:${hex}${hex}` as Digest), `sha512-${hex}`);
});

Deno.test("requests to a host wait while it asks for a pause, and longer if it asks again, unless aborted", async () => {
  let now = 0;
  const pauses = new HostPauses(() => now);
  const [here, there] = ["https://a.example", "https://b.example"];
  // Timers of 20 and 40 milliseconds; each is held until the test fires it.
  using twenty = new HeldTimers(20), forty = new HeldTimers(40);
  let isOver = false;
  pauses.note(here, 20);
  pauses.note(here, 5);
  const waiting = pauses.wait(here, undefined);
  pauses.note(here, 60);
  await pauses.wait(there, undefined);
  const abort = new AbortController();
  const aborted = pauses.wait(here, abort.signal);
  abort.abort("enough");
  await assert.rejects(aborted, (reason) => reason === "enough");
  waiting.then(() => isOver = true);
  now = 20;
  twenty.fire();
  await runPending();
  assert.equal(isOver, false);
  now = 60;
  forty.fire();
  await waiting;
});

Deno.test("findRetryAfter() is bounded, whatever a server sends", () => {
  const now = "Sun, 06 Nov 1994 08:49:37 GMT";
  const rows: [value: string | null, expected: number | undefined][] = [
    [null, undefined],
    ["0", 0],
    ["2", 2_000],
    [" 2 ", 2_000],
    ["1.5", 1_500],
    ["2, 2", 2_000],
    ["2,2", 2_000],
    ["31536000", 120_000],
    ["999999999999999", 120_000],
    ["99999999999999999999", undefined],
    ["-1", undefined],
    ["-5 minutes", undefined],
    ["+5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["soon", undefined],
    ["", undefined],
    [", ,", undefined],
    ["Infinity", undefined],
    ["2 minutes", undefined],
    ["2001", 120_000],
    ["2026-01-01", undefined],
    ["May 5", undefined],
    ["Sun, 06 Nov 1994 08:49:42 GMT", 5_000],
    ["Sun, 06 Nov 1994 08:49:42 GMT, Sun, 06 Nov 1994 08:49:42 GMT", 5_000],
    ["Sunday, 06-Nov-94 08:49:42 GMT", 5_000],
    ["Sun Nov  6 08:49:42 1994", 5_000],
    ["Sun, 06 Nov 1994 08:49:30 GMT", undefined],
    ["Mon, 06 Nov 2034 08:49:42 GMT", 120_000],
    ["Sun, 99 Foo 1994 08:49:42 GMT", undefined],
  ];
  for (const [value, expected] of rows) {
    const headers = new Headers({ date: now, ...(value === null ? {} : { "retry-after": value }) });
    assert.equal(findRetryAfter(headers), expected, `${value}`);
  }
  // Without a `Date` header, the local clock is used.
  const later = new Date(Date.now() + 60_000).toUTCString();
  const wait = findRetryAfter(new Headers({ "retry-after": later }))!;
  assert.ok(wait > 50_000 && wait <= 60_000, `${wait}`);
});

Deno.test("retries wait 1, 2 and 4 s, at most a tenth longer", () => {
  for (const [attempt, seconds] of [[1, 1], [2, 2], [3, 4], [5, 16], [6, 30], [2_000, 30]] as const) {
    for (let i = 0; i < 20; i++) {
      const wait = retryDelay(attempt);
      assert.ok(wait >= seconds * 1_000 && wait <= seconds * 1_100, `${attempt}: ${wait}`);
    }
  }
});

Deno.test("isTransientStatus() recognizes temporary failures", () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504, 507, 520, 524, 529]) assert.ok(isTransientStatus(status));
  for (const status of [200, 301, 400, 401, 403, 404, 409, 412, 413, 416, 501, 505]) {
    assert.ok(!isTransientStatus(status));
  }
});

Deno.test("registryOrigins() rejects an invalid host with a code", () => {
  for (const host of ["host:99999", "localhost:65536", "[::1]:70000"]) {
    assert.throws(() => registryOrigins(host), { code: "INVALID_REFERENCE", message: /is above 65535/ });
    assert.throws(() => new RegistryClient(host), { code: "INVALID_REFERENCE" });
  }
  for (const host of ["", "a b", "host:x", "::1"]) {
    assert.throws(() => registryOrigins(host), {
      code: "INVALID_REFERENCE",
      message: new RegExp(JSON.stringify(host)),
    });
  }
  assert.equal(registryOrigins("host:65535").https, "https://host:65535");
});
