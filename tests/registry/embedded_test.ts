/** What the embedded registry does that the client does not ask for, or asks for only when something went wrong. */
import assert from "node:assert/strict";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { openDirectoryStorage } from "../../src/server/directory/room.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { describe, encode } from "../support/images.ts";
import { folderTest } from "../support/folders.ts";

const index = (name: string, subject?: object) =>
  encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], subject, annotations: { name } });
const [ONE, TWO] = [index("one"), index("two")] as const;
const [FIRST, SECOND] = [digestOf(ONE), digestOf(TWO)] as const;

function start(storage = createMemoryStorage()) {
  const { fetch } = createRegistry({ storage });
  return (method: string, path: string, headers: HeadersInit = {}, body: BodyInit | null = null) =>
    fetch(new Request(`http://r.example${path}`, { method, headers, body }));
}

const put = (send: ReturnType<typeof start>, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  send("PUT", "/v2/app/manifests/1", { "content-type": MEDIA_TYPES.ociIndex, ...headers }, bytes);

Deno.test("a tag is written where its conditions hold (RFC 9110)", async () => {
  const rows: [headers: Record<string, string>, before: boolean, status: number][] = [
    [{ "if-match": `"${FIRST}"` }, true, 201],
    [{ "if-match": `"x", "${FIRST}"` }, true, 201],
    [{ "if-match": "*" }, true, 201],
    [{ "if-match": "*" }, false, 412],
    [{ "if-match": `"${SECOND}"` }, true, 412],
    [{ "if-match": `"${FIRST}"` }, false, 412],
    [{ "if-none-match": "*" }, false, 201],
    [{ "if-none-match": "*" }, true, 412],
    [{ "if-none-match": `"${FIRST}"` }, true, 412],
    [{ "if-none-match": `"${SECOND}"` }, true, 201],
  ];
  for (const [headers, before, status] of rows) {
    const send = start();
    if (before) assert.equal((await put(send, ONE)).headers.get("etag"), `"${FIRST}"`);
    assert.equal((await put(send, TWO, headers)).status, status, `${Object.entries(headers)} ${before}`);
    const now = await send("HEAD", "/v2/app/manifests/1");
    const expected = status === 201 ? SECOND : before ? FIRST : null;
    assert.equal(now.headers.get("docker-content-digest"), expected);
  }
});

Deno.test("a manifest that did not change is not sent again", async () => {
  const send = start();
  await put(send, ONE);
  const rows: [header: string, status: number][] = [
    [`"${FIRST}"`, 304],
    [`W/"${FIRST}"`, 304],
    [`"x", "${FIRST}"`, 304],
    ["*", 304],
    [`"${SECOND}"`, 200],
    [FIRST, 200],
  ];
  for (const [header, status] of rows) {
    const answer = await send("GET", "/v2/app/manifests/1", { "if-none-match": header });
    assert.equal(answer.status, status, header);
    assert.equal(answer.headers.get("etag"), `"${FIRST}"`);
    assert.equal((await answer.bytes()).length, status === 200 ? ONE.length : 0);
  }
});

Deno.test("referrers are told a thousand at a time", async () => {
  const send = start();
  await put(send, ONE);
  const subject = describe(MEDIA_TYPES.ociIndex, ONE);
  for (let i = 0; i < 1001; i++) await put(send, index(`${i}`, subject));
  const sizes: number[] = [];
  for (let path: string | undefined = `/v2/app/referrers/${FIRST}`; path;) {
    const answer: Response = await send("GET", path);
    sizes.push((await answer.json()).manifests.length);
    path = /<(.*)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  assert.deepEqual(sizes, [1000, 1]);
});

async function testBrokenUpload(send: ReturnType<typeof start>) {
  const bytes = encode("0123456789");
  const digest = digestOf(bytes);
  const location = (await send("POST", "/v2/app/blobs/uploads/")).headers.get("location")!;
  let sent = false;
  const broken = new ReadableStream({
    pull(controller) {
      if (sent) controller.error(new TypeError("reset"));
      else controller.enqueue(bytes.slice(2, 6));
      sent = true;
    },
  }, { highWaterMark: 0 });
  assert.equal((await send("PATCH", location, {}, bytes.slice(0, 2))).headers.get("range"), "0-1");
  assert.equal((await send("PATCH", location, {}, broken)).status, 416);
  const status = await send("GET", location);
  assert.deepEqual([status.status, status.headers.get("range")], [204, "0-5"]);
  assert.equal((await send("PATCH", location, { "content-range": "9-9" }, bytes.slice(9))).status, 416);
  const rest = await send("PATCH", location, { "content-range": "6-9" }, bytes.slice(6));
  assert.deepEqual([rest.status, rest.headers.get("range")], [202, "0-9"]);
  assert.equal((await send("PUT", `${location}?digest=${digest}`)).status, 201);
  assert.equal((await send("PUT", `${location}?digest=${digest}`)).status, 404);
  assert.equal((await send("HEAD", `/v2/app/blobs/${digest}`)).headers.get("content-length"), "10");
}

Deno.test("an upload whose connection broke goes on, in memory", () => testBrokenUpload(start()));

folderTest("an upload whose connection broke goes on, in a directory", async (folder) => {
  await testBrokenUpload(start(await openDirectoryStorage(folder)));
});
