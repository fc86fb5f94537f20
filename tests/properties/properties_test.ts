/** Rules that hold for everything, tried on what fast-check makes up. Failures print a seed that replays them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { create, createMemoryStore, List, loadFromImage, MEDIA_TYPES, parseReference } from "../../mod.ts";
import { encodeGoJsonText, indentJson, parseJson, scanJson, sortedMap } from "../../src/json/room.ts";
import { verifyBlob } from "../../src/spec/room.ts";
import { describe } from "../support/images.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`);
const word = fc.stringMatching(/^[a-z0-9]{0,6}$/);
const annotations = fc.dictionary(fc.string(), fc.string({ unit: "grapheme" }), { maxKeys: 4 });
const instance = fc.record({
  digest,
  size: fc.nat(),
  mediaType: fc.constantFrom<string>(MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerManifest, "x/y"),
  platform: fc.record({ os: word, architecture: word, variant: word, osVersion: word, osFeatures: fc.array(word) }),
  features: fc.array(word, { maxLength: 2 }),
  annotations,
});

Deno.test("we read the JSON that we write, and the scanner finds its members", () => {
  fc.assert(fc.property(annotations, (record) => {
    const written = encodeGoJsonText(sortedMap(record) ?? new Map());
    const { value, spans } = parseJson(encode(written), "x");
    // JSON.parse reads these differently: see src/json/exact_keys.ts.
    const members = Object.entries(record).map(([key, value]) => [key, value.toWellFormed()]);
    assert.deepEqual(value, Object.fromEntries(members));
    for (const { key, start, end } of spans) {
      assert.equal(JSON.parse(written.slice(start, end)), record[key]?.toWellFormed());
    }
    assert.doesNotMatch(written, /[<>&\u2028\u2029]/);
  }));
});

Deno.test("scanning and indenting keep the meaning of any JSON", () => {
  fc.assert(fc.property(fc.json(), fc.constantFrom("", " ", "\t"), (json, indent) => {
    const read = (text: string) => parseJson(encode(text), "x").value;
    const value = read(json);
    const spaced = JSON.stringify(value, null, indent);
    const spans = scanJson(spaced, "x");
    if (Array.isArray(value)) assert.deepEqual(spans.map((s) => read(spaced.slice(s.start, s.end))), value);
    assert.deepEqual(read(indentJson(json, "    ")), value);
  }));
});

Deno.test("a printed reference parses to the same reference", () => {
  // Without dots, because a first component with one would be a host.
  const component = fc.stringMatching(/^[a-z0-9]{1,5}(?:(?:_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
  const domain = fc.stringMatching(/^[a-zA-Z0-9]{1,5}\.[a-z]{2,3}(?::[0-9]{1,5})?$/);
  const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined });
  fc.assert(
    fc.property(fc.option(domain), fc.array(component, { minLength: 1, maxLength: 4 }), tag, (host, path, tag) => {
      const name = [...host === null ? [] : [host], ...path].join("/") + (tag === undefined ? "" : `:${tag}`);
      const reference = parseReference(name);
      assert.equal(String(parseReference(String(reference))), String(reference));
      // The familiar form of 64 hex digits would be an id; nothing this short is.
      assert.equal(String(parseReference(reference.familiar())), String(reference));
    }),
  );
});

Deno.test("the parser returns a manifest or an error with a code for any input", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (junk) => {
    for (const parse of [parseReference, (text: string) => List.fromBlob(encode(text))]) {
      try {
        parse(junk);
      } catch (error) {
        assert.ok(typeof (error as { code?: unknown }).code === "string", String(error));
      }
    }
  }));
});

Deno.test("a list written in either format and read again is the same list, except for members that the format lacks", () => {
  fc.assert(fc.property(fc.uniqueArray(instance, { selector: (i) => i.digest }), annotations, (instances, own) => {
    const list = create();
    for (const one of instances) list.addInstance(one);
    list.setAnnotations(undefined, own);
    for (const type of [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList]) {
      const bytes = list.serialize(type);
      assert.equal(text(List.fromBlob(bytes).serialize(type)), text(bytes));
      assert.deepEqual(List.fromBlob(bytes).instances(), instances.map((i) => i.digest));
    }
  }));
});

Deno.test("additions and removals have the same result as on a plain array", () => {
  const act = fc.record({ add: fc.boolean(), one: instance });
  fc.assert(fc.property(fc.array(act, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 10 }), (acts, picks) => {
    const list = create();
    let model: string[] = [];
    const known = acts.map(({ one }) => one.digest);
    for (const [i, { add, one }] of acts.entries()) {
      const target = picks.length > 0 ? known[picks[i % picks.length]! % known.length]! : one.digest;
      if (add) {
        list.addInstance({ ...one, digest: target });
        model = [...model.filter((other) => other !== target), target];
      } else if (model.includes(target)) {
        list.remove(target);
        model = model.filter((other) => other !== target);
      } else assert.throws(() => list.remove(target), { code: "INSTANCE_NOT_FOUND" });
    }
    assert.deepEqual(list.instances(), model);
    assert.equal(list.size, model.length);
  }));
});

Deno.test("a loaded list equals the saved one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(instance, { selector: (i) => i.digest, maxLength: 5 }), async (instances) => {
      await using store = createMemoryStore();
      const list = create();
      for (const one of instances) list.addInstance(one);
      const id = await list.saveToImage(store);
      const loaded = await loadFromImage(store, id);
      assert.equal(text(loaded.list.serialize()), text(List.fromBlob(list.serialize()).serialize()));
    }),
    { numRuns: 50 },
  );
});

Deno.test("a verified stream passes the right bytes in any chunks, and never the end of wrong bytes", async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(chunks, fc.nat(), fc.constantFrom("none", "flip", "short", "long"), async (parts, at, fault) => {
      const whole = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
      const sent = fault === "short"
        ? whole.subarray(0, -1)
        : fault === "long"
        ? new Uint8Array([...whole, 1])
        : whole.slice();
      if (fault === "flip" && sent.length > 0) sent[at % sent.length]! ^= 1;
      const wrong = fault === "long" || (fault !== "none" && whole.length > 0);
      const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start(controller) {
          for (let i = 0; i < sent.length; i += 7) controller.enqueue(sent.slice(i, i + 7));
          controller.close();
        },
      });
      const got: number[] = [];
      const reading = (async () => {
        for await (const chunk of verifyBlob(source, describe("m", whole))) got.push(...chunk);
      })();
      if (!wrong) {
        await reading;
        assert.deepEqual(got, [...whole]);
      } else {
        await assert.rejects(reading, (error: { code?: string }) => /^(DIGEST|SIZE)_MISMATCH$/.test(error.code ?? ""));
        assert.ok(got.length < Math.max(sent.length, 1));
      }
    }),
  );
});
