/** Media types of an artifact's files are those that Go gives them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { create, createMemoryStore } from "../../mod.ts";
import { loadMediaTypeFiles } from "../../src/config/files/room.ts";
import { detectContentType } from "../../src/list/content_type.ts";
import { detectMediaType, MediaTypes } from "../../src/list/media_type.ts";
import { encode } from "../support/images.ts";
import { MEDIATYPES } from "../support/oracles.ts";
import { peerTest } from "../support/peers.ts";

interface Row {
  name: string;
  head: Uint8Array;
}

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

Deno.test("media types are found by extension, else by content", () => {
  const rows: [name: string, head: string, type: string][] = [
    ["a.css", "", "text/css"],
    ["a.JSON", "{", "application/json"],
    ["a.b.html", "", "text/html"],
    ["a.gz", "", "application/gzip"],
    ["a.csv", "", "text/csv"],
    ["a.ico", "", "image/vnd.microsoft.icon"],
    ["a.docx", "PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ["a.webm", "", "video/webm"],
    [".css", "", "text/css"],
    ["a.", "x", "text/plain"],
    ["a.unknown", "%PDF-", "application/pdf"],
    ["constructor", "x", "text/plain"],
    ["a.constructor", "x", "text/plain"],
    ["empty", "", "text/plain"],
    ["a", "\0x", "application/octet-stream"],
    ["a", "  <!DOCTYPE HTML>", "text/html"],
    ["a", "<!-- x", "text/html"],
    ["a", "<!--x", "text/plain"],
    ["a", "<?xml version", "text/xml"],
    ["a", "\xfe\xff", "text/plain"],
    ["a", "\xfe\xff\0a", "text/plain"],
    ["a", "\x1f\x8b\x08\0", "application/x-gzip"],
    ["a", "PK\x03\x04", "application/zip"],
    ["a", "\0\0\0\x14ftypisomxxxxmp42", "video/mp4"],
    ["a", "\0\0\0\x10ftypisommp42", "application/octet-stream"],
    ["a", `${"\0".repeat(34)}LP`, "application/vnd.ms-fontobject"],
  ];
  const types = new MediaTypes();
  for (const [name, head, type] of rows) {
    assert.equal(detectMediaType(name, bytes(head), types), type, JSON.stringify([name, head]));
  }
});

const GLOBS = `# comment
60:text/x-csrc:*.c
55:text/x-c++src:*.C
50:image/other:*.png
50:image/upper:*.PNG
50:first/type:*.two
40:second/type:*.two
50:application/x-tar:*.tar.gz
50:Upper/Case:*.upper
50:bad type:*.bad
50:also/bad/type:*.bad2
50:word:*.word
50:text/x-parameter;charset=x:*.parameter
50:text/x-format; format=flowed:*.format
50:text/x-broken; format:*.broken
50:more/fields:*.more:cs:x
50:none/star:README
50:glob/meta:*.[ab]
50:glob/meta:*.a?b
:empty/weight:*.weightless
50:empty/glob:*.
50::*.empty
50:cr/lf:*.cr\r
50:greek/type:*.\u03a3
`;
const TYPES = `# comment
text/one	one un
text/two  one
image/override png
Application/X-Upper  UPPER mixed
text/plain;charset=utf-8 parameter
bad/type/here bad
text/comment c1 #c2 c3
text/nothing
 text/space  space
`;

Deno.test("a host's globs2 counts, else its mime.types, as in Go", () => {
  const globs = new MediaTypes({ globs: GLOBS, types: [TYPES] });
  const types = new MediaTypes({ types: [TYPES, "text/three one\n"] });
  const rows: [types: MediaTypes, extension: string, type: string | undefined][] = [
    [globs, ".c", "text/x-csrc"],
    [globs, ".C", "text/x-c++src"],
    [globs, ".png", "image/png"],
    [globs, ".PNG", "image/upper"],
    [globs, ".Png", "image/upper"],
    [globs, ".two", "first/type"],
    [globs, ".upper", "upper/case"],
    [globs, ".bad", undefined],
    [globs, ".parameter", "text/x-parameter"],
    [globs, ".one", undefined],
    [types, ".one", "text/three"],
    [types, ".png", "image/override"],
    [types, ".upper", "application/x-upper"],
    [types, ".c1", "text/comment"],
    [types, ".c3", undefined],
    [types, ".css", "text/css"],
  ];
  for (const [from, extension, type] of rows) assert.equal(from.findByExtension(extension), type, extension);
});

Deno.test("addArtifact() asks the tables of the host", async () => {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/usr/share/mime`, { recursive: true });
  await Deno.writeTextFile(`${root}/usr/share/mime/globs2`, "50:application/x-host:*.host\n");
  await Deno.writeTextFile(`${root}/a.host`, "x");
  const list = create();
  await list.addArtifact([`${root}/a.host`], { systemContext: { rootForImplicitAbsolutePaths: root } });
  await using store = createMemoryStore();
  const id = await list.saveToImage(store);
  const { data } = (await store.findImage(id, ["artifacts.json"]))!;
  assert.match(new TextDecoder().decode(data.get("artifacts.json")), /application\/x-host/);
  await Deno.remove(root, { recursive: true });
});

/** Asks Go for the media types of the rows, with a root folder that holds the tables of a host. */
async function askGo(root: string, rows: readonly Row[]): Promise<string[]> {
  await Deno.copyFile(MEDIATYPES, `${root}/mediatypes`);
  const lines = rows.map(({ name, head }) => JSON.stringify({ name, head: head.toBase64() }));
  const command = new Deno.Command("chroot", { args: [root, "/mediatypes"], stdin: "piped", stdout: "piped" });
  const process = command.spawn();
  const output = process.output();
  const writer = process.stdin.getWriter();
  await writer.write(encode(lines.map((line) => `${line}\n`).join("")));
  await writer.close();
  const { code, stdout } = await output;
  assert.equal(code, 0);
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

async function compare(root: string, rows: readonly Row[]): Promise<void> {
  const types = new MediaTypes(await loadMediaTypeFiles({ rootForImplicitAbsolutePaths: root }));
  const theirs = await askGo(root, rows);
  assert.deepEqual(
    rows.map(({ name, head }, i) => [name, detectMediaType(name, head, types), i]),
    rows.map(({ name }, i) => [name, theirs[i], i]),
  );
}

peerTest(
  "media types are Go's for every extension, with and without the tables of a host",
  [MEDIATYPES, "root"],
  async () => {
    const hostFiles = await loadMediaTypeFiles();
    const ofOwn = [
      ...`${hostFiles.globs ?? ""}\n${hostFiles.types.join("\n")}`.matchAll(/[^\s:*]*?(\.?[\w+-]+)(?=[\s:]|$)/g),
    ].map((
      [, e],
    ) => `.${e!.replace(/^\./, "")}`);
    const builtIn = [
      ...(await Deno.readTextFile(new URL("../../src/list/media_type.ts", import.meta.url))).matchAll(/\.[a-z0-9]+/g),
    ].map(([e]) => e);
    const made = [...`${GLOBS}${TYPES}`.matchAll(/[\w\u03a3]+/g)].map(([e]) => `.${e}`);
    const spellings = (
      e: string,
    ) => [e, e.toUpperCase(), e.charAt(0) + e.charAt(1).toUpperCase() + e.slice(2), e.toLowerCase()];
    const extensions = new Set([...ofOwn, ...builtIn, ...made, ".", ".weba", ".tar.gz", ".\u03c3"].flatMap(spellings));
    const rows = [...extensions].map((extension) => ({ name: `file${extension}`, head: bytes("\0") }));
    assert.ok(rows.length > 500, String(rows.length));
    const hosts: Record<string, string | undefined>[] = [
      {},
      { "usr/share/mime/globs2": GLOBS },
      { "etc/mime.types": TYPES, "etc/apache2/mime.types": "text/three one\n" },
      {
        "usr/share/mime/globs2": GLOBS,
        "usr/local/share/mime/globs2": "50:local/type:*.local\n",
        "etc/mime.types": TYPES,
      },
      { "usr/share/mime/globs2": "", "etc/mime.types": TYPES },
      { "usr/share/mime/globs2": hostFiles.globs, "etc/mime.types": hostFiles.types[0] },
      { "etc/mime.types": await Deno.readTextFile("/etc/mime.types").catch(() => undefined) },
    ];
    for (const files of hosts) {
      const root = await Deno.makeTempDir();
      for (const [path, text] of Object.entries(files)) {
        if (text === undefined) continue;
        await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
        await Deno.writeTextFile(`${root}/${path}`, text);
      }
      await compare(root, rows);
      await Deno.remove(root, { recursive: true });
    }
  },
);

peerTest("media types by content are Go's", [MEDIATYPES, "root"], async () => {
  const starts = [
    "<html",
    "<!DOCTYPE HTML",
    "<!--",
    "<?xml",
    "%PDF-",
    "\xfe\xff",
    "\xff\xfe",
    "\xef\xbb\xbf",
    "BM",
    "RIFF",
    "RIFF1234WEBPVP",
    "RIFF1234WAVE",
    "FORM1234AIFF",
    "\x89PNG\r\n\x1a\n",
    "\xff\xd8\xff",
    "ID3",
    "OggS\0",
    "\0\0\0\x18ftyp",
    "\0\0\0\x18ftypmp42",
    "\0\0\0\x18ftypisom\0\0\0\0mp41",
    "\x1a\x45\xdf\xa3",
    "\0".repeat(34) + "LP",
    "OTTO",
    "wOFF",
    "\x1f\x8b\x08",
    "PK\x03\x04",
    "Rar!\x1a\x07\x01\0",
    "\0asm",
    "MThd\0\0\0\x06",
    "<H1",
    "<a",
    "<p",
    "<B>",
    "GIF89a",
    "\0\x01\0\0",
  ];
  const byte = fc.oneof(
    fc.constantFrom(" ", ">", "\n", "\t", "\x0b", "\x0c", "\x1b", "\0", "a", "<", "\xff"),
    fc.nat(255).map((n) => String.fromCharCode(n)),
  );
  const tail = fc.array(byte, { maxLength: 24 }).map((all) => all.join(""));
  const head = fc.tuple(
    fc.constantFrom("", " ", "\n\t", "\x0b"),
    fc.constantFrom("", ...starts),
    fc.boolean(),
    fc.nat(4),
    tail,
  )
    .map(([before, start, upper, cut, after]) =>
      before + (upper ? start.toUpperCase() : start).slice(0, cut === 0 ? -1 : undefined) + after
    );
  const heads = fc.sample(head, { numRuns: 4_000, seed: 13 }).map((text) => bytes(text));
  heads.push(bytes("a".repeat(512) + "\0"), bytes("a".repeat(511) + "\0"), bytes(" ".repeat(600) + "<html>"));
  const root = await Deno.makeTempDir();
  const theirs = await askGo(root, heads.map((head) => ({ name: "file", head })));
  for (const [i, head] of heads.entries()) {
    assert.equal(detectContentType(head), theirs[i], JSON.stringify(String.fromCharCode(...head)));
  }
  await Deno.remove(root, { recursive: true });
});
