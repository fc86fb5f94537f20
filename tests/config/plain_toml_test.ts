/** Documents of TOML that need no complete parser. */
import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { parsePlainToml } from "../../src/config/room.ts";

/** Lines of configuration files and what can go wrong with them. */
const LINES = [
  "",
  "# a comment with \"quotes\" and 'others' = [1]",
  "[a]",
  "  [ a ] # again",
  "[a.b]",
  "[a.b.c]",
  "[b]",
  "[a]]",
  "[[a]]",
  "[]",
  "[a..b]",
  '["a"]',
  "[toString]",
  'a = "text"',
  '"a" = "text # not a comment" # a comment',
  '"a/b.c" = "quay.io/a/b"',
  'b = ""',
  "b = true",
  "\tc=false\t",
  "c = False",
  "c = 1",
  "c = 'literal'",
  'c = "an \\" escape"',
  'c = """',
  'c = """more"""',
  "c = []",
  'c = ["one", "two" , # first "two"\n "three",\r\n]',
  'c = ["one" "two"]',
  'c = ["one",, "two"]',
  'c = [true, "two"]',
  'c = ["é", "日本語"]',
  "d.e = true",
  '__proto__ = "x"',
  'toString = "x"',
  "e = { f = true }",
  'g = "no end',
  'g = "a" "b"',
  "h =",
  "= true",
  'i = "control \u0001"',
  "# control \u0001",
  "# return \r in the middle",
  'j = "tab \t"',
  "k",
];

/** Numbers from 0 to below 1 that are the same in each run. */
function* pseudoRandom(): Generator<number, never> {
  for (let state = 1;; state = state * 48_271 % 2_147_483_647) yield state / 2_147_483_647;
}

function parseComplete(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

Deno.test("a plain document has the value that the complete parser gives it; others are left to that parser", () => {
  const random = pseudoRandom();
  const pick = (n: number) => Math.floor(random.next().value * n);
  let plain = 0;
  for (let i = 0; i < 20_000; i++) {
    const lines = Array.from({ length: 1 + pick(4) }, () => LINES[pick(LINES.length)]!);
    const text = lines.join(pick(4) === 0 ? "\r\n" : "\n") + (pick(2) ? "\n" : "");
    const value = parsePlainToml(text);
    if (value === undefined) continue;
    plain++;
    assert.deepEqual(value, parseComplete(text), JSON.stringify(text));
  }
  assert.ok(plain > 2_000, `${plain} documents were plain`);
});

Deno.test("files as distributions ship them need no complete parser", () => {
  const texts = [
    '# registries\nunqualified-search-registries = ["docker.io", "quay.io"]\nshort-name-mode = "enforcing"\n',
    '[aliases]\n  # centos\n  "centos" = "quay.io/centos/centos"\n  "a/b" = "docker.io/a/b"\n',
    '[storage]\ndriver = "overlay"\n\n[storage.options]\nadditionalimagestores = [\n]\n\n[storage.options.overlay]\n' +
    'mountopt = "nodev,metacopy=on" # mount\n',
    '[containers]\ndefault_capabilities = [\n  "CHOWN",\n  "KILL"\n]\n[engine]\n#[engine.runtimes]\n[machine]\n',
  ];
  for (const text of texts) {
    const value = parsePlainToml(text);
    assert.notEqual(value, undefined, text);
    assert.deepEqual(value, parse(text));
  }
});
