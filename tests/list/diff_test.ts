import assert from "node:assert/strict";
import fc from "fast-check";
import { diffIndexes, type InstanceDifference } from "../../src/list/diff.ts";
import {
  type Descriptor,
  digestOf,
  isIndex,
  MEDIA_TYPES,
  type ParsedIndex,
  parseManifest,
} from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";

function indexOf(manifests: readonly Descriptor[]): ParsedIndex {
  const parsed = parseManifest(encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
  assert.ok(isIndex(parsed));
  return parsed;
}

function entry(content: number, architecture: string, annotation = ""): Descriptor {
  return {
    mediaType: MEDIA_TYPES.ociManifest,
    digest: digestOf(encode(`${content}`)),
    size: 1,
    ...(annotation ? { annotations: { a: annotation } } : {}),
    platform: { os: "linux", architecture },
  };
}

/** Compares two lists in the simplest way, which the result of `diff` is checked against: each entry with all others. */
function compareSlowly(before: readonly Descriptor[], after: readonly Descriptor[]): Partial<InstanceDifference>[] {
  const rest = [...after];
  const partners = new Map<Descriptor, Descriptor>();
  const architectureOf = ({ platform }: Descriptor) => platform!.architecture;
  for (
    const isSame of [
      (a: Descriptor, b: Descriptor) => a.digest === b.digest,
      (a: Descriptor, b: Descriptor) => architectureOf(a) === architectureOf(b),
    ]
  ) {
    for (const entry of before) {
      const at = partners.has(entry) ? -1 : rest.findIndex((other) => isSame(entry, other));
      if (at >= 0) partners.set(entry, rest.splice(at, 1)[0]!);
    }
  }
  const pairs: [Descriptor | undefined, Descriptor | undefined][] = [
    ...before.map((entry) => [entry, partners.get(entry)] as [Descriptor, Descriptor | undefined]),
    ...rest.map((other) => [undefined, other] as [undefined, Descriptor]),
  ];
  return pairs.filter(([a, b]) => JSON.stringify(a) !== JSON.stringify(b)).map(([a, b]) => ({
    platform: `linux/${architectureOf((a ?? b)!)}`,
    before: a?.digest,
    after: b?.digest,
  }));
}

Deno.test("diffIndexes() pairs equal digests, then equal platforms, in the order of the lists", () => {
  const entries = fc.array(
    fc.tuple(fc.nat(3), fc.constantFrom("amd64", "arm64", "s390x"), fc.constantFrom("", "x")).map(
      ([content, architecture, annotation]) => entry(content, architecture, annotation),
    ),
    { maxLength: 8 },
  );
  fc.assert(fc.property(entries, entries, (before, after) => {
    const { instances } = diffIndexes(indexOf(before), indexOf(after));
    const actual = instances.map(({ platform, before, after }) => ({ platform, before, after }));
    assert.deepEqual(actual, compareSlowly(before, after));
  }));
});

Deno.test("lists of fifteen thousand instances are compared in one go", () => {
  const manifests = Array.from({ length: 15_000 }, (_, i) => entry(i, `a${i}`));
  const others = manifests.map((entry, i) => ({ ...entry, digest: digestOf(encode(`other ${i}`)) })).reverse();
  assert.deepEqual(diffIndexes(indexOf(manifests), indexOf(manifests.toReversed())).instances, []);
  assert.equal(diffIndexes(indexOf(manifests), indexOf(others)).instances.length, manifests.length);
});
