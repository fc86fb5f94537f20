/** Archives that arrive in parts of any size are parsed as if they arrived whole. */
import assert from "node:assert/strict";
import { concatBytes } from "../../src/internal/room.ts";
import { TarError } from "../../src/internal/tar/room.ts";
import { ArchiveParser } from "../../src/store/containers_storage/writing/archive_parser.ts";
import { encode } from "../support/images.ts";
import { BASE_ENTRIES, makeCorpus } from "../support/layer_corpus.ts";
import { oddTar } from "../support/odd_tar.ts";

/** Parses an archive in parts of a size. Returns all bytes that are not content, and each entry with its content. */
function parse(archive: Uint8Array<ArrayBuffer>, size: number, hasContent = true) {
  const raw: Uint8Array[] = [];
  const entries: { path: string; number: number; content: string; isComplete: boolean }[] = [];
  const parser = new ArchiveParser({
    raw: (bytes) => raw.push(bytes.slice()),
    begin: ({ path, number }) => entries.push({ path, number, content: "", isComplete: false }),
    content: (bytes) => entries.at(-1)!.content += bytes.toHex(),
    end: () => entries.at(-1)!.isComplete = true,
  }, { hasContent });
  for (let at = 0; at < archive.length; at += size) {
    const part = archive.slice(at, at + size);
    parser.write(part);
    // The memory of a part may be used again.
    part.fill(0xee);
  }
  parser.end();
  return { raw: concatBytes(raw), entries };
}

Deno.test("the size of the parts does not matter", () => {
  const long = oddTar([{
    name: "f",
    content: new Uint8Array(1500).fill(7),
    pax: { "SCHILY.xattr.user.k": "v".repeat(3000) },
  }]);
  for (const archive of [...makeCorpus(), long]) {
    const whole = parse(archive, archive.length + 1);
    for (const size of [7, 511, 512, 513, 70_001]) assert.deepEqual(parse(archive, size), whole, `${size}`);
    assert.ok(whole.entries.every(({ isComplete, number }, i) => isComplete && number === i));
  }
  assert.equal(parse(makeCorpus()[0]!, 100).entries.length, BASE_ENTRIES.length);
});

Deno.test("an archive without the content of its entries has the same entries", () => {
  const [archive] = makeCorpus();
  const { raw, entries } = parse(archive!, 1000);
  const again = parse(raw, 333, false);
  assert.deepEqual(again.raw, raw);
  assert.deepEqual(again.entries, entries.map((entry) => ({ ...entry, content: "" })));
});

Deno.test("an archive that ends inside a header, an extension or content is truncated", () => {
  const archive = oddTar([{ name: "n".repeat(150), content: encode("x".repeat(600)) }]);
  // The header of the name, the name, the header of the file, its content, the padding, two blocks of zeros.
  const ends = {
    inside: [1, 511, 600, 1024 + 1, 1536 + 599],
    between: [0, 512 * 2, 1536 + 600, 1536 + 700, 2560, 2561 + 511],
  };
  for (const end of ends.inside) assert.throws(() => parse(archive.slice(0, end), 99), TarError, `${end}`);
  for (const end of ends.between) parse(archive.slice(0, end), 99);
});
