import assert from "node:assert/strict";
import { assertNoConflicts } from "../../src/config/registries/parse_registry.ts";
import type { RegistryEntry } from "../../src/config/registries/types.ts";
import { parse } from "smol-toml";
import {
  assertNotBlocked,
  findRegistry,
  localCandidates,
  mergeRegistriesConf,
  parseRegistriesConf,
  parseShortNameAliases,
  pullSources,
  resolveShortNameWith,
} from "../../src/config/room.ts";
import { parseReference } from "../../src/spec/room.ts";

const conf = (text: string, path = "r.conf") => parseRegistriesConf(text, parse, path);
const DIGEST = `sha256:${"a".repeat(64)}`;

Deno.test("an invalid registries.conf is an error with file, line and key", () => {
  const rows: [text: string, line: number | undefined, key: string | undefined, problem: RegExp][] = [
    ["a = 1\nb = ", 2, undefined, /TOML/],
    ["a = 1\n[b\n", 2, undefined, /TOML/],
    ["a = 1\na = 2\n", 2, undefined, /TOML/],
    ["\n[[registry]]\nlocation = 5", 3, "registry[0].location", /string/],
    ['\n[[registry]]\nlocation = "a.b"\n\n[[registry]]\ninsecure = true', 5, "registry[1]", /neither/],
    ['[[registry]]\nprefix = "a.b"', 1, "registry[0].location", /\*\.example\.com/],
    ['[[registry]]\nprefix = "*.a.b/c"', 2, "registry[0].prefix", /\*\.example\.com/],
    ['[[registry]]\nprefix = "*.a.b:5"', 2, "registry[0].prefix", /\*\.example\.com/],
    ['[[registry]]\nlocation = "https://a.b"', 2, "registry[0].location", /scheme/],
    ['[[registry]]\nlocation = "a.b"\nprefix = "http://a.b"', 3, "registry[0].prefix", /scheme/],
    ['[[registry]]\nlocation = "a.b"\ninsecure = "yes"', 3, "registry[0].insecure", /true or false/],
    ['[[registry]]\nlocation = "a.b"\npull-from-mirror = "all"', 3, "registry[0].pull-from-mirror", /mirrors/],
    [
      '[[registry]]\nlocation = "a.b"\n[[registry.mirror]]\ninsecure = true',
      3,
      "registry[0].mirror[0].location",
      /set/,
    ],
    [
      '[[registry]]\nlocation = "a.b"\n[[registry.mirror]]\nlocation = "c"\n[[registry.mirror]]\nlocation = "d"\npull-from-mirror = "never"',
      7,
      "registry[0].mirror[1].pull-from-mirror",
      /digest-only/,
    ],
    [
      '[[registry]]\nlocation = "a.b"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "c"\npull-from-mirror = "all"',
      6,
      "registry[0].mirror[0].pull-from-mirror",
      /mirror-by-digest-only/,
    ],
    [
      '[[registry]]\nlocation = "a.b"\nblocked = true\n[[registry]]\nprefix = "c"\nlocation = "a.b"',
      4,
      "registry[1].blocked",
      /contradicts/,
    ],
    [
      '[[registry]]\nlocation = "a.b"\n[[registry]]\nprefix = "c"\nlocation = "a.b"\ninsecure = true',
      6,
      "registry[1].insecure",
      /contradicts/,
    ],
    ['unqualified-search-registries = ["a.b/c"]', 1, "unqualified-search-registries", /hosts/],
    ['unqualified-search-registries = ["https://a"]', 1, "unqualified-search-registries", /scheme/],
    ['unqualified-search-registries = "a"', 1, "unqualified-search-registries", /array of strings/],
    ['short-name-mode = "loose"', 1, "short-name-mode", /permissive/],
    ['[aliases]\n"a.b/c" = "d.e/f"', 2, "aliases.a.b/c", /short name/],
    ['[aliases]\n"a:1" = "d.e/f"', 2, "aliases.a:1", /short name/],
    ['[aliases]\na = "f"', 2, "aliases.a", /host/],
    ['[aliases]\na = "d.e/f:1"', 2, "aliases.a", /tag/],
    ["registry = 5", 1, "registry", /array of tables/],
    [
      'short-name-mode = "disabled"\n[registries.search]\nregistries = ["a.b"]',
      1,
      "short-name-mode",
      /version 1/,
    ],
  ];
  for (const [text, line, key, problem] of rows) {
    assert.throws(() => conf(text, "/etc/r.conf"), (error: Error & Record<string, unknown>) => {
      assert.deepEqual(
        { code: error.code, path: error.path, line: error.line, key: error.key },
        { code: "CONFIG_FILE_INVALID", path: "/etc/r.conf", line, key },
        `${text}\n${error.message}`,
      );
      assert.match(error.message, problem);
      assert.ok(error.message.startsWith(`Cannot read /etc/r.conf:${line}: `));
      return true;
    }, text);
  }
});

Deno.test("every field of registries.conf is read, and unknown ones are reported", () => {
  const read = conf(`
    unqualified-search-registries = ["one.example", "two.example:5000"]
    credential-helpers = ["containers-auth.json", "secretservice"]
    short-name-mode = "enforcing"
    additional-layer-store-auth-helper = "helper"
    serach = 1
    [[registry]]
    prefix = "a.example/ns/"
    location = "b.example/"
    insecure = true
    blok = true
    [[registry.mirror]]
    location = "m.example/p"
    insecure = true
    pull-from-mirror = "tag-only"
    [[registry]]
    prefix = "*.wild.example"
    [[registry]]
    location = "b.example"
    insecure = true
    [[registry]]
    prefix = "b.example"
    location = "never.example"
    [aliases]
    app = "a.example/app"
    none = ""`);
  assert.deepEqual(read, {
    registries: [
      {
        prefix: "a.example/ns",
        location: "b.example",
        insecure: true,
        blocked: false,
        mirrors: [{ location: "m.example/p", insecure: true, pullFromMirror: "tag-only" }],
        file: "r.conf",
      },
      { prefix: "*.wild.example", location: "", insecure: false, blocked: false, mirrors: [], file: "r.conf" },
      { prefix: "b.example", location: "b.example", insecure: true, blocked: false, mirrors: [], file: "r.conf" },
    ],
    unqualifiedSearchRegistries: ["one.example", "two.example:5000"],
    unqualifiedSearchRegistriesFile: "r.conf",
    credentialHelpers: ["containers-auth.json", "secretservice"],
    shortNameMode: "enforcing",
    additionalLayerStoreAuthHelper: "helper",
    aliases: new Map([["app", "a.example/app"], ["none", ""]]),
    unknownKeys: ["r.conf: serach", "r.conf: registry[0].blok"],
    files: ["r.conf"],
  });
});

Deno.test("version 1 is converted to version 2, and refused in a drop-in", () => {
  const text = `
    [registries.search]
    registries = ["one.example"]
    [registries.insecure]
    registries = ["two.example"]
    [registries.block]
    registries = ["three.example", "two.example"]`;
  const read = conf(text);
  assert.deepEqual(read.unqualifiedSearchRegistries, ["one.example"]);
  assert.deepEqual(
    read.registries.map(({ prefix, location, insecure, blocked }) => [prefix, location, insecure, blocked]),
    [["three.example", "three.example", false, true], ["two.example", "two.example", true, true]],
  );
  assert.throws(() => parseRegistriesConf(text, parse, "d.conf", { allowVersion1: false }), {
    code: "CONFIG_FILE_INVALID",
    path: "d.conf",
    key: "registries",
  });
  const empty = conf('short-name-mode = "disabled"\n[registries.search]\nregistries = []');
  assert.equal(empty.shortNameMode, "disabled");
});

Deno.test("a later file replaces whole registries, merges aliases, and replaces other values that it sets", () => {
  const merged = mergeRegistriesConf([
    conf(
      `unqualified-search-registries = ["a.example"]\nshort-name-mode = "disabled"
      [[registry]]\nlocation = "a.example"\n[[registry.mirror]]\nlocation = "m.example"
      [[registry]]\nlocation = "b.example"
      [aliases]\nx = "a.example/x"\ny = "a.example/y"`,
      "1.conf",
    ),
    conf('[[registry]]\nlocation = "a.example"\nblocked = true\n[aliases]\nx = ""\nz = "a.example/z"', "2.conf"),
    conf("unqualified-search-registries = []", "3.conf"),
  ]);
  assert.deepEqual(merged.registries.map(({ prefix, blocked, mirrors, file }) => [prefix, blocked, mirrors, file]), [
    ["b.example", false, [], "1.conf"],
    ["a.example", true, [], "2.conf"],
  ]);
  assert.deepEqual([...merged.aliases], [["y", "a.example/y"], ["z", "a.example/z"]]);
  assert.deepEqual(merged.unqualifiedSearchRegistries, []);
  assert.equal(merged.unqualifiedSearchRegistriesFile, "3.conf");
  assert.equal(merged.shortNameMode, "disabled");
  assert.deepEqual(merged.files, ["1.conf", "2.conf", "3.conf"]);
});

Deno.test("the entry with the longest matching prefix applies", () => {
  const prefixes = ["a.test", "a.test/ns", "a.test/ns/app", "*.w.test", "*.b.w.test", "c.b.w.test/x", "a.test:5000"];
  const all = conf(
    prefixes.map((prefix) => `[[registry]]\nprefix = "${prefix}"\nlocation = "l.test"`).join("\n"),
  );
  const rows: [string, string | undefined][] = [
    ["a.test/x", "a.test"],
    ["a.test", "a.test"],
    ["a.test/ns/x", "a.test/ns"],
    ["a.test/nsx/app", "a.test"],
    ["a.test/ns/app", "a.test/ns/app"],
    ["a.test/ns/app/sub", "a.test/ns/app"],
    ["a.test/ns/apple", "a.test/ns"],
    ["a.test:5000/x", "a.test:5000"],
    ["a.test:5001/x", "a.test"],
    ["a.testing/x", undefined],
    ["xa.test/x", undefined],
    ["w.test/x", undefined],
    ["x.w.test/x", "*.w.test"],
    ["x.w.test:99/x", "*.w.test"],
    ["x.y.w.test/x", "*.w.test"],
    ["x.b.w.test/x", "*.b.w.test"],
    ["c.b.w.test/x/y", "c.b.w.test/x"],
    ["x.w.test.w.test/x", "*.w.test"],
    ["other.test/x.w.test/y", undefined],
    ["xw.test/x", undefined],
  ];
  for (const [reference, prefix] of rows) assert.equal(findRegistry(all, reference)?.prefix, prefix, reference);
});

Deno.test("mirrors that serve the reference are tried first, then the location", () => {
  const all = conf(`
    [[registry]]
    prefix = "a.test/ns"
    location = "real.test:5000/other"
    insecure = true
    [[registry.mirror]]
    location = "all.test"
    [[registry.mirror]]
    location = "tag.test/x"
    pull-from-mirror = "tag-only"
    insecure = true
    [[registry.mirror]]
    location = "digest.test"
    pull-from-mirror = "digest-only"
    [[registry]]
    location = "d.test"
    mirror-by-digest-only = true
    [[registry.mirror]]
    location = "dm.test"
    [[registry]]
    prefix = "*.w.test"
    [[registry]]
    prefix = "*.l.test"
    location = "wl.test"
    [[registry]]
    prefix = "*.p.test"
    location = "wl.test/path"
    [[registry]]
    location = "blocked.test"
    blocked = true
    [[registry]]
    prefix = "moved.test"
    location = "free.test"
    blocked = true`);
  const rows: [string, string[]][] = [
    ["none.test/x:1", ["none.test/x:1"]],
    ["a.test/ns/app:1", ["all.test/app:1", "tag.test/x/app:1!", "real.test:5000/other/app:1!"]],
    [
      `a.test/ns/app@${DIGEST}`,
      [`all.test/app@${DIGEST}`, `digest.test/app@${DIGEST}`, `real.test:5000/other/app@${DIGEST}!`],
    ],
    ["d.test/x:1", ["d.test/x:1"]],
    [`d.test/x@${DIGEST}`, [`dm.test/x@${DIGEST}`, `d.test/x@${DIGEST}`]],
    ["h.w.test/x:1", ["h.w.test/x:1"]],
    ["h.l.test/x:1", ["wl.test/x:1"]],
    ["h.l.test:5/x:1", ["wl.test:5/x:1"]],
  ];
  for (const [text, expected] of rows) {
    const sources = pullSources(all, parseReference(text));
    assert.deepEqual(sources.map(({ reference, insecure }) => `${reference}${insecure ? "!" : ""}`), expected, text);
    assert.deepEqual(sources.map(({ isMirror }) => isMirror), expected.map((_, i) => i < expected.length - 1), text);
  }
  const failures: [string, string, RegExp][] = [
    ["blocked.test/x:1", "REGISTRY_BLOCKED", /blocked\.test.*r\.conf/],
    ["moved.test/x:1", "REGISTRY_BLOCKED", /moved\.test.*r\.conf/],
    ["h.p.test:5/x:1", "CONFIG_FILE_INVALID", /wl\.test\/path:5\/x:1.*not a valid reference/],
  ];
  for (const [text, code, message] of failures) {
    assert.throws(() => pullSources(all, parseReference(text)), { code, message }, text);
  }
  assert.throws(() => assertNotBlocked(all, parseReference("moved.test/x")), { code: "REGISTRY_BLOCKED" });
  assertNotBlocked(all, parseReference("free.test/x"));
});

Deno.test("short names resolve to their alias, or else to the registries to search", () => {
  const searching = (mode: string) =>
    conf(`
      unqualified-search-registries = ["one.test", "two.test:5000"]
      short-name-mode = "${mode}"
      [aliases]
      app = "a.test/ns/app"
      "me/app" = "b.test/app"`);
  const userAliases = parseShortNameAliases('[aliases]\nmine = "c.test/mine"\napp = ""', parse, "aliases.conf");
  const rows: [string, string, string[]][] = [
    ["app", "alias", ["a.test/ns/app:latest"]],
    ["app:1", "alias", ["a.test/ns/app:1"]],
    [`app@${DIGEST}`, "alias", [`a.test/ns/app@${DIGEST}`]],
    ["me/app:1", "alias", ["b.test/app:1"]],
    ["mine", "alias", ["c.test/mine:latest"]],
    ["x", "search", ["one.test/x:latest", "two.test:5000/x:latest"]],
    ["me/x:1", "search", ["one.test/me/x:1", "two.test:5000/me/x:1"]],
    ["q.test/x", "name", ["q.test/x:latest"]],
    ["localhost/x", "name", ["localhost/x:latest"]],
  ];
  for (const mode of ["permissive", "disabled"]) {
    for (const [name, from, candidates] of rows) {
      const found = resolveShortNameWith(searching(mode), name, { userAliases });
      assert.deepEqual([found.from, found.candidates.map(String)], [from, candidates], `${mode} ${name}`);
    }
  }
  assert.throws(() => resolveShortNameWith(searching("enforcing"), "x"), { code: "SHORT_NAME_UNRESOLVED" });
  assert.equal(resolveShortNameWith(searching("enforcing"), "x", { mode: "permissive" }).candidates.length, 2);
  assert.equal(resolveShortNameWith(searching("enforcing"), "app").candidates.length, 1);
  const single = conf('unqualified-search-registries = ["one.test"]\nshort-name-mode = "enforcing"');
  assert.deepEqual(resolveShortNameWith(single, "x").candidates.map(String), ["one.test/x:latest"]);
  assert.throws(() => resolveShortNameWith(conf("", "/etc/none.conf"), "x"), {
    code: "SHORT_NAME_UNRESOLVED",
    message: /"x".*\/etc\/none\.conf/,
  });
  assert.throws(() => resolveShortNameWith(conf(""), "X"), { code: "INVALID_REFERENCE" });
  assert.deepEqual(localCandidates(searching("permissive"), "app:1", userAliases).map(String), [
    "a.test/ns/app:1",
    "localhost/app:1",
    "one.test/app:1",
    "two.test:5000/app:1",
  ]);
});

Deno.test("entries are compared with one other entry each", () => {
  let reads = 0;
  const table = undefined as never;
  const makeEntry = (i: number) => ({
    get location() {
      reads++;
      return `registry${i}.example`;
    },
  });
  const count = (entries: number) => {
    reads = 0;
    assertNoConflicts(Array.from({ length: entries }, (_, i) => ({ table, entry: makeEntry(i) as RegistryEntry })));
    return reads;
  };
  assert.equal(count(400), 4 * count(100));
});

Deno.test("entries for one location must agree, wherever they are", () => {
  const entry = (location: string, blocked: boolean) =>
    `[[registry]]\nprefix = "p${blocked}.example"\nlocation = "${location}"\nblocked = ${blocked}\n`;
  const parseAll = (text: string) => parseRegistriesConf(text, parse, "registries.conf");
  parseAll(entry("a", true) + entry("b", false));
  assert.throws(() => parseAll(entry("a", true) + entry("b", false) + entry("a", false)), /contradicts another entry/);
});
