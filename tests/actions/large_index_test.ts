/** No step may compare each entry of an index with all others: operations are counted at two sizes, without times. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ComposedEntry } from "../../src/actions/compose/entries.ts";
import { mergeEntries, mergeSources } from "../../src/actions/compose/merge_entries.ts";
import { Artifacts } from "../../src/list/artifacts.ts";
import { missingSignatures, type SigstoreSignature } from "../../src/signature/room.ts";
import { createPlatform, digestOf, isManifestsError, MEDIA_TYPES } from "../../src/spec/room.ts";
import { parseImageName } from "../../mod.ts";
import { encode } from "../support/images.ts";

const reference = parseImageName("docker://localhost/app:1");

function makeEntry(image: number, platform: number): ComposedEntry {
  return {
    digest: digestOf(encode(`${image}`)),
    size: 1,
    mediaType: MEDIA_TYPES.ociManifest,
    platform: createPlatform({ os: "linux", architecture: `a${platform}` }),
    features: [],
    annotations: { [`k${image}`]: "v" },
    artifactType: "",
    urls: [],
    reference,
    origin: "source",
  };
}

/** Asserts that four times the items need at most five times the operations that `measure` counts. */
function assertLinear(what: string, measure: (count: number) => number): void {
  const [few, many] = [measure(100), measure(400)];
  assert.ok(few > 0 && many <= 5 * few, `${what}: ${few} operations for 100, ${many} for 400`);
}

/** The entries, which report each read of a digest. */
function counted(entries: readonly ComposedEntry[], onRead: () => void): ComposedEntry[] {
  return entries.map((entry) =>
    new Proxy(entry, {
      get(target, name) {
        if (name === "digest") onRead();
        return Reflect.get(target, name);
      },
    })
  );
}

Deno.test("merging entries into an index, or many sources, takes linear time", () => {
  const make = (count: number, from: number) => Array.from({ length: count }, (_, i) => makeEntry(from + i, i));
  assertLinear("append with replace", (count) => {
    let reads = 0;
    const [before, added] = [make(count, 0), make(count, 1000)].map((entries) => counted(entries, () => reads++));
    const merged = mergeEntries(before!, added!, { replace: true });
    assert.deepEqual(
      merged.map(({ platform }) => platform.architecture),
      make(count, 0).map((e) => e.platform.architecture),
    );
    return reads;
  });
  assertLinear("sources", (count) => {
    let reads = 0;
    const sources = counted(make(count, 0), () => reads++).map((entry) => [entry]);
    assert.equal(mergeSources(sources).length, count);
    return reads;
  });
});

/** Merges sources in the simplest way: each entry is compared with all others. */
function mergeSimply(sources: readonly (readonly ComposedEntry[])[]): ComposedEntry[] | undefined {
  let merged: ComposedEntry[] = [];
  for (const entries of sources) {
    const result = [...merged];
    for (const entry of entries) {
      const isPlatform = (other: ComposedEntry) => other.platform.architecture === entry.platform.architecture;
      const same = result.findIndex((other) => other.digest === entry.digest && isPlatform(other));
      if (same >= 0) {
        result[same] = { ...result[same]!, annotations: { ...result[same]!.annotations, ...entry.annotations } };
      } else if (merged.some(isPlatform)) return undefined;
      else result.push(entry);
    }
    merged = result;
  }
  return merged;
}

Deno.test("merged sources are the same as if each entry were compared with all others", () => {
  const entry = fc.tuple(fc.nat(4), fc.nat(3)).map(([image, platform]) => makeEntry(image, platform));
  fc.assert(fc.property(fc.array(fc.array(entry, { maxLength: 4 }), { maxLength: 4 }), (sources) => {
    const expected = mergeSimply(sources);
    if (expected) assert.deepEqual(mergeSources(sources), expected);
    else assert.throws(() => mergeSources(sources), (error) => isManifestsError(error, "DUPLICATE_PLATFORM"));
  }));
});

Deno.test("missingSignatures() reads each signature once", () => {
  assertLinear("signatures", (count) => {
    let reads = 0;
    const signatures = Array.from({ length: count }, (_, i): SigstoreSignature => ({
      kind: "sigstore",
      mediaType: "text/plain",
      payload: encode("payload"),
      annotations: new Proxy({ a: `${i}` }, { ownKeys: (target) => (reads++, Reflect.ownKeys(target)) }),
    }));
    assert.equal(missingSignatures(undefined, [...signatures, signatures[0]!]).length, count);
    return reads;
  });
});

Deno.test("removing many artifacts reads the others once, and drops the blobs that no other names", () => {
  assertLinear("artifacts", (count) => {
    const artifacts = new Artifacts();
    let reads = 0;
    for (let i = 0; i < count; i++) {
      artifacts.manifests.set(`m${i}`, "{}");
      artifacts.config.set(`m${i}`, "shared");
      artifacts.layers.set(`m${i}`, [`b${i}`]);
      artifacts.detached.set(`b${i}`, `/f${i}`);
    }
    artifacts.blobs.set("shared", encode("{}"));
    const values = artifacts.layers.values.bind(artifacts.layers);
    artifacts.layers.values = () => {
      reads += artifacts.layers.size + 1;
      return values();
    };
    for (let i = 1; i < count; i++) artifacts.remove(`m${i}`);
    const left = artifacts.clone();
    assert.deepEqual([[...left.detached.keys()], [...left.blobs.keys()]], [["b0"], ["shared"]]);
    artifacts.remove("m0");
    assert.equal(artifacts.clone().blobs.size, 0);
    return reads;
  });
});

Deno.test("an image that a source has, too, is not replaced by the source's other images for its platform", () => {
  const [kept, old, added] = [makeEntry(1, 1), makeEntry(2, 1), makeEntry(3, 1)];
  const merge = (entries: ComposedEntry[]) =>
    mergeEntries([kept, old], entries, { replace: true }).map(({ digest }) => digest);
  assert.deepEqual(merge([added]), [added.digest]);
  for (const entries of [[kept, added], [added, kept]]) {
    assert.deepEqual(new Set(merge(entries)), new Set([kept.digest, added.digest]));
  }
});
