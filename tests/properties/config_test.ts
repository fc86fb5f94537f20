/** Any configuration file is read, or refused with the file, line and key. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import {
  ConfigFileError,
  findCredentials,
  findRegistry,
  parseAuthFile,
  parseRegistriesConf,
  pullSources,
} from "../../src/config/room.ts";
import { isManifestsError, parseReference } from "../../src/spec/room.ts";

const host = fc.constantFrom(
  "a.test",
  "b.test",
  "x.a.test",
  "a.test:5000",
  "*.a.test",
  "a.test/ns",
  "",
  "http://a",
  "A B",
);
const word = fc.oneof(host, fc.constantFrom("all", "digest-only", "permissive", "enforcing", "containers-auth.json"));
const odd = fc.oneof(word, fc.boolean(), fc.integer(), fc.array(word, { maxLength: 2 }), fc.constant({ append: true }));
/** Now and then something that does not belong there. */
const maybe = (usual: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 20, arbitrary: usual }, { weight: 1, arbitrary: odd });

const mirror = fc.record({
  location: maybe(host),
  insecure: maybe(fc.boolean()),
  "pull-from-mirror": maybe(word),
}, { requiredKeys: [] });
const registry = fc.record({
  prefix: maybe(host),
  location: maybe(host),
  insecure: maybe(fc.boolean()),
  blocked: maybe(fc.boolean()),
  "mirror-by-digest-only": maybe(fc.boolean()),
  mirror: maybe(fc.array(mirror, { maxLength: 2 })),
}, { requiredKeys: [] });
const registriesConf = fc.record({
  "unqualified-search-registries": maybe(fc.array(host, { maxLength: 2 })),
  "short-name-mode": maybe(word),
  registry: maybe(fc.array(registry, { maxLength: 3 })),
  aliases: maybe(
    fc.dictionary(fc.constantFrom("app", "ns/app", "a.test/app", "__proto__", "constructor"), maybe(host)),
  ),
}, { requiredKeys: [] });

Deno.test("a registries.conf is read, or refused with one of its lines and a key", () => {
  fc.assert(fc.property(registriesConf, (value) => {
    let text: string;
    try {
      text = stringify(value);
    } catch {
      // Arrays of different kinds have no form in TOML.
      return;
    }
    const references = ["a.test/ns/app:1", "x.a.test/app:1", "a.test:5000/ns/app:1", "c.test/app:1"].map(
      parseReference,
    );
    try {
      const conf = parseRegistriesConf(text, parse, "r.conf");
      for (const reference of references) {
        const entry = findRegistry(conf, reference.name);
        if (entry?.blocked) continue;
        const sources = pullSources(conf, reference);
        assert.ok(sources.length >= 1 && !sources.at(-1)!.isMirror);
        for (const source of sources) assert.equal(source.reference.tag, "1");
      }
    } catch (error) {
      if (!(error instanceof ConfigFileError)) return assert.ok(isManifestsError(error, "CONFIG_FILE_INVALID"), text);
      assert.equal(error.path, "r.conf");
      assert.ok(error.key !== undefined, text);
      assert.ok(error.line !== undefined && error.line >= 1 && error.line <= text.split("\n").length, text);
    }
  }));
});

Deno.test("a credential file is read or refused, and no error holds a secret", () => {
  const secret = "hunter2";
  const entry = fc.record({
    auth: maybe(fc.constantFrom(btoa(`me:${secret}`), btoa(secret), secret + "%", "")),
    identitytoken: maybe(fc.constant(secret)),
    password: maybe(fc.constant(secret)),
  }, { requiredKeys: [] });
  const file = fc.record({
    auths: maybe(fc.dictionary(fc.constantFrom("a.test", "https://a.test/v1/", "a.test/ns"), maybe(entry))),
    credHelpers: maybe(fc.dictionary(fc.constant("a.test"), maybe(word))),
  }, { requiredKeys: [] });
  fc.assert(fc.property(file, fc.nat(), (value, cut) => {
    const whole = JSON.stringify(value, undefined, 1);
    for (const text of [whole, whole.slice(0, cut % (whole.length + 1)), whole.replace('"', "")]) {
      try {
        findCredentials(parseAuthFile(new TextEncoder().encode(text), "auth.json"), "a.test/ns/app");
      } catch (error) {
        assert.ok(error instanceof ConfigFileError, text);
        assert.doesNotMatch(Deno.inspect(error), new RegExp(`${secret}|${btoa(secret)}`));
      }
    }
  }));
});
