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

/** Attestation of an image, as BuildKit writes it. */
function attest({ digest }: Descriptor, content: number): Descriptor {
  return {
    ...entry(content, "unknown"),
    annotations: { "vnd.docker.reference.digest": digest, "vnd.docker.reference.type": "attestation-manifest" },
    platform: { os: "unknown", architecture: "unknown" },
  };
}

Deno.test("diffIndexes() compares the attestations of images for one platform", () => {
  const [amd64, arm64, riscv64] = [entry(1, "amd64"), entry(2, "arm64"), entry(3, "riscv64")];
  const [ofAmd64, ofArm64, ofRiscv64] = [attest(amd64, 4), attest(arm64, 5), attest(riscv64, 6)];
  const rebuilt = entry(7, "amd64"), ofRebuilt = attest(rebuilt, 8);
  const before = indexOf([amd64, ofAmd64, riscv64, ofRiscv64]);
  const { instances } = diffIndexes(before, indexOf([rebuilt, arm64, ofArm64, ofRebuilt]));
  assert.deepEqual(instances.map(({ attestedPlatform, before, after }) => [attestedPlatform, before, after]), [
    [undefined, amd64.digest, rebuilt.digest],
    ["linux/amd64", ofAmd64.digest, ofRebuilt.digest],
    [undefined, riscv64.digest, undefined],
    ["linux/riscv64", ofRiscv64.digest, undefined],
    [undefined, undefined, arm64.digest],
    ["linux/arm64", undefined, ofArm64.digest],
  ]);
});

Deno.test("lists of fifteen thousand instances are compared in one go", () => {
  const manifests = Array.from({ length: 15_000 }, (_, i) => entry(i, `a${i}`));
  const others = manifests.map((entry, i) => ({ ...entry, digest: digestOf(encode(`other ${i}`)) })).reverse();
  assert.deepEqual(diffIndexes(indexOf(manifests), indexOf(manifests.toReversed())).instances, []);
  assert.equal(diffIndexes(indexOf(manifests), indexOf(others)).instances.length, manifests.length);
});
