/** Reading `images.json`. */
import assert from "node:assert/strict";
import { StructReader } from "../../src/json/room.ts";
import { RecordSet } from "../../src/store/containers_storage/record_set.ts";
import { parseRecords } from "../../src/store/containers_storage/records.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

function makeRecord(number: number) {
  return {
    id: number.toString(16).padStart(64, "0"),
    digest: DIGEST,
    names: [`localhost/app${number}:1`],
    metadata: '{"signature-sizes":{}}',
    "big-data-names": ["manifest"],
    "big-data-sizes": { manifest: 108 + number },
    "big-data-digests": { manifest: DIGEST },
    created: "2026-11-29T01:57:07.287Z",
  };
}

const parse = (text: string) => parseRecords(new TextEncoder().encode(text), "images.json");

/** Counts how often members of records are read while `work` runs. */
function countReads(work: () => void): number {
  const { strings } = StructReader.prototype;
  let count = 0;
  StructReader.prototype.strings = function (name) {
    if (name === "names") count++;
    return strings.call(this, name);
  };
  try {
    work();
  } finally {
    StructReader.prototype.strings = strings;
  }
  return count;
}

Deno.test("of a large store, only the records that are used are read", () => {
  const records = Array.from({ length: 500 }, (_, i) => makeRecord(i));
  const read = countReads(() => {
    const set = new RecordSet(parse(JSON.stringify(records)));
    assert.equal(set.find("localhost/app200:1")?.record.bigDataSizes.get("manifest"), 308);
    assert.equal(set.find("localhost/app200:1")?.record, set.find("localhost/app200:1")?.record);
    assert.equal(set.find(records[300]!.id)?.text, JSON.stringify(records[300]));
    assert.equal(set.find("0".repeat(61))?.record, undefined);
    assert.equal(set.find("missing"), undefined);
  });
  assert.equal(read, 1);
});

Deno.test("records are the same in every form of the text", () => {
  const records = [makeRecord(1), { ...makeRecord(2), layer: "x", flags: { a: 1 }, "names-history": [] }, { id: "3" }];
  const texts = [
    JSON.stringify(records),
    JSON.stringify(records, undefined, 1),
    JSON.stringify(records).replace('"id"', '"ID"'),
    JSON.stringify(records).replaceAll("app", "\\u0061pp"),
    JSON.stringify(records).replace(":109", ":109.0"),
    JSON.stringify(records).replace('"id":"3"', '"id":"3","names":null'),
  ];
  const [plain, ...others] = texts.map((text) => parse(text).map(({ id, names, record }) => ({ id, names, record })));
  assert.equal(plain![0]!.record.names[0], "localhost/app1:1");
  for (const other of others) assert.deepEqual(other, plain);
});

Deno.test("a damaged record is found even if another one is looked up", () => {
  const records = [makeRecord(1), makeRecord(2)];
  const text = JSON.stringify(records);
  const damaged = [
    text.replace("]", ""),
    text.replace('"manifest":110', '"manifest":110,"manifest":110'),
    text.replace('"created"', '"id":"4","created"'),
    text.replace('"created"', '"Id":"4","created"'),
    text.replace('"manifest":110', '"manifest":1.5'),
    text.replace("2026-11", "2026-1"),
    text.replace(DIGEST, "sha256:0"),
    text.replace('["manifest"]', '"manifest"'),
    text.replace('["manifest"]', "[1]"),
    text.replace(/"id":"0*2"/, '"id":""'),
    text.replace(/"id":"0*2",/, ""),
    text.replace('"created"', '"flags":1,"created"'),
    text.replace('"created"', `"x":${"[".repeat(101)}${"]".repeat(101)},"created"`),
    "{}",
    "[1]",
    "[null]",
  ];
  for (const [i, one] of damaged.entries()) assert.throws(() => parse(one), { code: "STORE_CORRUPT" }, `${i}: ${one}`);
  assert.throws(() => parseRecords(new Uint8Array([...new TextEncoder().encode(text), 255]), "images.json"), {
    code: "STORE_CORRUPT",
  });
});

Deno.test("a name that two records have belongs to the later one, and unknown members are kept", () => {
  const [first, second] = [makeRecord(1), { ...makeRecord(2), names: ["localhost/app1:1"] }];
  const set = new RecordSet(parse(JSON.stringify([first, second])));
  assert.equal(set.find("localhost/app1:1")?.id, second.id);
  assert.equal(set.byName("localhost/app1:1")?.id, second.id);
  assert.deepEqual(set.byId(first.id)?.names, []);
  const [unknown] = parse(JSON.stringify([{ ...first, newer: { a: [1] } }]));
  assert.deepEqual(JSON.parse(unknown!.text).newer, { a: [1] });
});
