import assert from "node:assert/strict";
import {
  encodeGoJsonText,
  type GoJsonValue,
  indentJson,
  parseJson,
  RawJson,
  scanJson,
  sortedMap,
  StructReader,
} from "../../src/json/room.ts";
import { encode } from "../support/images.ts";

Deno.test("encodeGoJsonText() writes what Go's encoding/json writes", () => {
  const rows: [GoJsonValue, string][] = [
    [null, "null"],
    [true, "true"],
    [0, "0"],
    ["<b>&", '"\\u003cb\\u003e\\u0026"'],
    ["\u2028\u2029", '"\\u2028\\u2029"'],
    ['"\\/\n\r\t\b\f\x01\x7f', '"\\"\\\\/\\n\\r\\t\\b\\f\\u0001\x7f"'],
    ["ü😀", '"ü😀"'],
    ["\ud800", '"\ufffd"'],
    [[], "[]"],
    [[1, [2]], "[1,[2]]"],
    [new Map(), "{}"],
    [new Map<string, GoJsonValue | undefined>([["b", 1], ["gone", undefined], ["1", "x"]]), '{"b":1,"1":"x"}'],
    [new Map([["<", new RawJson("1.50")]]), '{"\\u003c":1.50}'],
  ];
  for (const [value, expected] of rows) assert.equal(encodeGoJsonText(value), expected);
});

Deno.test("sortedMap() sorts keys by UTF-8 bytes, also integer-like ones and those beyond U+FFFF", () => {
  const map = sortedMap({ "\ufffd": 1, "😀": 2, "10": 3, "9": 4, "": 5, "a": 6, "ab": 7 });
  assert.deepEqual([...map!.keys()], ["", "10", "9", "a", "ab", "\ufffd", "😀"]);
  assert.equal(sortedMap({}), undefined);
});

Deno.test("parseJson() rejects documents that parsers read differently", () => {
  const rows: [string, Uint8Array<ArrayBuffer>][] = [
    ["not JSON", encode("{")],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["byte order mark", encode("\ufeff{}")],
    ["key twice", encode('{"a":1,"a":2}')],
    ["key twice, escaped", encode('{"a":1,"\\u0061":2}')],
    ["key twice, deep", encode('[{"x":{"k":1,"o":[],"k":2}}]')],
    ["too deep", encode("[".repeat(101) + "]".repeat(101))],
    ["trailing", encode("{} {}")],
  ];
  for (const [name, bytes] of rows) {
    assert.throws(() => parseJson(bytes, "list"), { code: "INVALID_JSON" }, name);
  }
  assert.deepEqual(parseJson(encode('{"a":{"b":1},"c":{"b":1}}'), "list").value, { a: { b: 1 }, c: { b: 1 } });
});

Deno.test("parseJson() reads keys with escapes correctly after any other document", () => {
  for (let i = 0; i < 3; i++) JSON.parse(String.raw`{"&":"","\\\\":"","\\\\b":{}}`);
  const rows: [string, unknown][] = [
    [String.raw`{"\u0026":"","\u003c":""}`, { "&": "", "<": "" }],
    [String.raw`[{"a":[{"&":1,"\u003e":{"x":[null,true,"\u003c"]}}]}, "\""]`, [
      { a: [{ "&": 1, ">": { x: [null, true, "<"] } }] },
      '"',
    ]],
    [String.raw` { "&" : "" , "\n" : 1 , "\bc" : 2 } `, { "&": "", "\n": 1, "\bc": 2 }],
    [String.raw`{"\u003c":[],"__proto__":{}}`, Object.fromEntries([["<", []], ["__proto__", {}]])],
  ];
  for (const [text, value] of rows) assert.deepEqual(parseJson(encode(text), "x").value, value);
});

Deno.test("scanJson() returns the positions of the top-level members", () => {
  const text = ' { "a" : [1, {"x":"]"}] ,"b\\"":"q\\\\" , "c":-1.5e3 } ';
  const spans = scanJson(text, "test").map(({ key, start, end }) => [key, text.slice(start, end)]);
  assert.deepEqual(spans, [["a", '[1, {"x":"]"}]'], ['b"', '"q\\\\"'], ["c", "-1.5e3"]]);
  const array = '[ {"a":1} ,2, "x" ]';
  assert.deepEqual(scanJson(array, "t").map(({ start, end }) => array.slice(start, end)), ['{"a":1}', "2", '"x"']);
  assert.deepEqual(scanJson("[]", "t"), []);
});

Deno.test("StructReader reads members as Go does and names invalid members", () => {
  const read = (value: unknown) => new StructReader(value, "list");
  assert.equal(read({ MediaType: "x" }).string("mediaType"), "x");
  assert.equal(read({ mediaType: null }).string("mediaType"), undefined);
  const wrong: [() => unknown, RegExp][] = [
    [() => read([]), /list: not a JSON object/],
    [() => read({ size: "1" }).integer("size"), /size of list: .*integer.*"1"/],
    [() => read({ size: 1.5 }).integer("size"), /integer/],
    [() => read(JSON.parse('{"size":9007199254740993}')).integer("size"), /integer/],
    [() => read({ urls: [1] }).strings("urls"), /array of strings/],
    [() => read({ annotations: { a: 1 } }).stringMap("annotations"), /object of strings/],
    [() => read({ data: "%" }).bytes("data"), /base64/],
    [() => read({ manifests: [{}, { platform: 3 }] }).structs("manifests")![1]!.struct("platform"), /manifests\[1\]/],
    [() => read({ size: 1, Size: 2 }).integer("size"), /twice/],
  ];
  for (const [act, message] of wrong) {
    assert.throws(
      act,
      (error: Error & { code: string }) => error.code === "INVALID_JSON" && message.test(error.message),
    );
  }
});

Deno.test("indentJson() keeps every token", () => {
  const text = '{"b":[],"a":{},"10":[1.50,{"x":"a,b:{}[]\\""}]}';
  const expected =
    '{\n    "b": [],\n    "a": {},\n    "10": [\n        1.50,\n        {\n            "x": "a,b:{}[]\\""\n        }\n    ]\n}';
  assert.equal(indentJson(text, "    "), expected);
});
