/** Requests to the embedded registry that the client does not send, or sends only after failures. */
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

Deno.test("a tag is written if the conditions of the request hold (RFC 9110)", async () => {
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

Deno.test("referrers are listed in pages of a thousand", async () => {
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

Deno.test("an interrupted upload can be continued, in memory", () => testBrokenUpload(start()));

folderTest("an interrupted upload can be continued, in a directory", async (folder) => {
  using storage = await openDirectoryStorage(folder);
  await testBrokenUpload(start(storage));
});

Deno.test("tags are written together with a digest", async () => {
  const send = start();
  const put = (path: string, headers: HeadersInit = {}) => send("PUT", `/v2/app/manifests/${path}`, headers, ONE);
  const tagOf = async (tag: string) =>
    (await send("HEAD", `/v2/app/manifests/${tag}`)).headers.get("docker-content-digest");
  for (const digest of [FIRST, digestOf(ONE, "sha512")]) {
    const answer = await put(`${digest}?tag=a&tag=b&tag=a`);
    assert.deepEqual([answer.status, answer.headers.get("oci-tag")], [201, "a, b"]);
    assert.deepEqual([await tagOf("a"), await tagOf("b")], [digest, digest]);
    assert.equal((await send("HEAD", `/v2/app/manifests/${digest}`)).status, 200);
  }
  assert.equal((await put(FIRST)).headers.get("oci-tag"), null);
  assert.equal((await put("c?tag=d")).headers.get("oci-tag"), null);
  assert.deepEqual([await tagOf("c"), await tagOf("d")], [FIRST, null]);
  assert.equal((await put(`${FIRST}?tag=e&tag=-`)).status, 400);
  assert.equal((await put(`${FIRST}?tag=a`, { "if-none-match": "*" })).status, 412);
  assert.deepEqual([await tagOf("e"), await tagOf("a")], [null, digestOf(ONE, "sha512")]);
});

Deno.test("an error has a body, but not in a response to HEAD", async () => {
  const send = start();
  for (const path of [`blobs/${FIRST}`, `manifests/${FIRST}`, "manifests/1", "nothing/1"]) {
    assert.notEqual((await send("GET", `/v2/app/${path}`)).body, null);
    assert.equal((await send("HEAD", `/v2/app/${path}`)).body, null, path);
  }
});

Deno.test("a session belongs to its repository", async () => {
  const send = start();
  const bytes = encode("0123456789");
  const digest = digestOf(bytes);
  const location = (await send("POST", "/v2/app/blobs/uploads/")).headers.get("location")!;
  const elsewhere = location.replace("/app/", "/other/");
  for (const [method, query] of [["GET", ""], ["PATCH", ""], ["PUT", `?digest=${digest}`], ["DELETE", ""]] as const) {
    const body = method === "PATCH" || method === "PUT" ? bytes : null;
    assert.equal((await send(method, `${elsewhere}${query}`, {}, body)).status, 404, method);
  }
  assert.equal((await send("PUT", `${location}?digest=${digest}`, {}, bytes)).status, 201);
  assert.equal((await send("HEAD", `/v2/other/blobs/${digest}`)).status, 404);
});

Deno.test("a chunk must have the bytes of its range", async () => {
  const bytes = encode("0123456789");
  const rows: [range: string, headers: HeadersInit, status: number, received: string][] = [
    ["0-9", {}, 202, "0-9"],
    ["0-9", { "content-length": "10" }, 202, "0-9"],
    ["0-9", { "content-length": "9" }, 416, "0-0"],
    ["0-8", {}, 416, "0-0"],
    ["0-10", {}, 416, "0-9"],
    ["1-10", {}, 416, "0-0"],
    ["0-", {}, 416, "0-0"],
    ["9-0", {}, 416, "0-0"],
  ];
  for (const method of ["PATCH", "PUT"]) {
    for (const [range, headers, status, received] of rows) {
      const send = start();
      const location = (await send("POST", "/v2/app/blobs/uploads/")).headers.get("location")!;
      const query = method === "PUT" ? `?digest=${digestOf(bytes)}` : "";
      const answer = await send(method, location + query, { ...headers, "content-range": range }, bytes);
      const expected = status === 202 && method === "PUT" ? 201 : status;
      assert.equal(answer.status, expected, `${method} ${range} ${JSON.stringify(headers)}`);
      if (expected === 201) continue;
      assert.equal((await send("GET", location)).headers.get("range"), received, `${method} ${range}`);
    }
  }
});

Deno.test("unused sessions expire, and busy ones stay", async () => {
  let time = 0;
  const { fetch } = createRegistry({ storage: createMemoryStorage(), now: () => time });
  const send = (method: string, path: string, body: BodyInit | null = null) =>
    fetch(new Request(`http://r.example${path}`, { method, body }));
  const open = async () => (await send("POST", "/v2/app/blobs/uploads/")).headers.get("location")!;
  const [abandoned, slow] = [await open(), await open()];
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const patching = send("PATCH", slow, readable);
  time += 12 * 3600 * 1000;
  assert.equal((await send("GET", abandoned)).status, 204);
  time += 12 * 3600 * 1000 + 1;
  await open();
  assert.equal((await send("GET", abandoned)).status, 404);
  await writable.close();
  assert.equal((await patching).status, 202);
  assert.equal((await send("GET", slow)).status, 204);
  for (let i = 0; i < 1000; i++) await open();
  assert.equal((await send("GET", slow)).status, 404);
});

folderTest("names that are too long for files are rejected", async (folder) => {
  using storage = await openDirectoryStorage(folder);
  for (const send of [start(), start(storage)]) {
    const long = "x".repeat(256);
    for (const name of [long, `app/${long}`, Array.from({ length: 65 }, () => "abc").join("/")]) {
      assert.equal((await send("POST", `/v2/${name}/blobs/uploads/`)).status, 400);
      assert.equal((await send("GET", `/v2/${name}/tags/list`)).status, 400);
      assert.equal((await send("GET", `/v2/${name}/manifests/1`)).status, 400);
      // A mount from such a repository opens an upload.
      const mount = `/v2/app/blobs/uploads/?mount=${FIRST}&from=${name}`;
      assert.equal((await send("POST", mount)).status, 202);
    }
    for (const tag of [long, "x".repeat(4096), "a:b", "-"]) {
      assert.equal((await send("PUT", `/v2/app/manifests/${tag}`, {}, ONE)).status, 400);
      for (const method of ["GET", "HEAD", "DELETE"]) {
        assert.equal((await send(method, `/v2/app/manifests/${tag}`)).status, 404, `${method} ${tag}`);
      }
    }
    assert.equal((await send("GET", `/v2/${"x".repeat(255)}/tags/list`)).status, 404);
  }
});
