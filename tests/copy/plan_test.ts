import assert from "node:assert/strict";
import { planCopy, requireDigest, selectInstances } from "../../src/copy/plan.ts";
import { isTransient, retry } from "../../src/copy/retry.ts";
import { RegistryError } from "../../src/registry/mod.ts";
import {
  type Descriptor,
  digestOf,
  isIndex,
  ManifestsError,
  MEDIA_TYPES,
  parseManifest,
  parseReference,
} from "../../src/spec/mod.ts";
import { describe, encode, makeImage, type TestImage } from "../support/images.ts";

const IMAGES = ["amd64", "arm64"].map((architecture) => makeImage({ architecture, layers: [encode("shared")] }));
const verified = ({ manifest, digest }: TestImage) => ({ digest, manifest: parseManifest(manifest) });

function indexOf(entries: Descriptor[]) {
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries });
  const manifest = parseManifest(bytes);
  assert.ok(isIndex(manifest));
  return { digest: digestOf(bytes), manifest };
}

const ENTRIES = IMAGES.map(({ manifest }, i) => ({
  ...describe(MEDIA_TYPES.ociManifest, manifest),
  platform: { os: "linux", architecture: ["amd64", "arm64"][i]! },
}));
const TOP = indexOf([...ENTRIES, ENTRIES[0]!]);
const WANTED = { os: "linux", architecture: "arm64" };

function plan(options: Partial<Parameters<typeof planCopy>[0]> = {}) {
  return planCopy({
    top: TOP,
    images: IMAGES.map((image, i) => ({
      instance: image.digest,
      verified: verified(image),
      origins: new Map(
        image.blobs.map(({ descriptor }) => [descriptor.digest, { scope: `docker://${"ab"[i]}`, location: "x" }]),
      ),
    })),
    single: false,
    abilities: { manifestTypes: [], mountScope: "docker://a" },
    ...options,
  });
}

Deno.test("selectInstances() takes each instance once, in the order of the index", () => {
  const digests = IMAGES.map(({ digest }) => digest);
  assert.deepEqual(selectInstances(TOP.manifest, { selection: "all", wanted: WANTED }), digests);
  assert.deepEqual(selectInstances(TOP.manifest, { selection: "system", wanted: WANTED }), [digests[1]]);
  const specific = { selection: "specific", instances: digests.toReversed(), wanted: WANTED } as const;
  assert.deepEqual(selectInstances(TOP.manifest, specific), digests);
  assert.deepEqual(selectInstances(TOP.manifest, { selection: "specific", wanted: WANTED }), []);
});

Deno.test("a plan has every blob once and knows where it can be mounted from", () => {
  const { blobs, images, index, entries } = plan();
  const all = IMAGES.flatMap((image) => image.blobs.map(({ descriptor }) => descriptor.digest));
  assert.deepEqual(blobs.map(({ descriptor }) => descriptor.digest).toSorted(), [...new Set(all)].toSorted());
  assert.equal(blobs.length, 3);
  const mountable = blobs.filter(({ mountFrom }) => mountFrom).map(({ descriptor }) => descriptor.digest);
  assert.deepEqual(mountable.toSorted(), images[0]!.blobs.toSorted());
  assert.deepEqual([index?.digest, entries], [TOP.digest, 2]);
});

Deno.test("a plan leaves out layers that are elsewhere, and refuses what cannot be copied", () => {
  const foreign = {
    ...describe("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", encode("x")),
    urls: ["https://x"],
  };
  const bytes = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.dockerManifest,
    config: describe(MEDIA_TYPES.dockerConfig, encode("{}")),
    layers: [foreign, describe(MEDIA_TYPES.dockerLayerGzip, encode("y"))],
  });
  const image = { digest: digestOf(bytes), manifest: parseManifest(bytes) };
  assert.equal(plan({ images: [{ instance: undefined, verified: image, origins: new Map() }] }).blobs.length, 2);
  const nested = [{ instance: TOP.digest, verified: TOP, origins: new Map() }];
  assert.throws(() => plan({ images: nested }), { code: "NESTED_INDEX" });
  const abilities = { manifestTypes: [MEDIA_TYPES.dockerManifest] };
  assert.throws(() => plan({ abilities }), { code: "MANIFEST_TYPE_NOT_SUPPORTED" });
  const other = parseReference(`quay.io/a@sha256:${"0".repeat(64)}`);
  assert.throws(() => requireDigest(other, TOP.digest), { code: "DIGEST_MISMATCH" });
  requireDigest(parseReference("quay.io/a:1"), TOP.digest);
});

const status = (status: number) => new RegistryError({ status, method: "GET", url: "https://x/", diagnostics: [] });

Deno.test("only what may pass is tried again", async () => {
  const rows: [unknown, boolean][] = [
    [new ManifestsError("NETWORK", "x"), true],
    [status(429), true],
    [status(500), true],
    [status(503), true],
    [status(400), false],
    [status(401), false],
    [status(403), false],
    [status(404), false],
    [new ManifestsError("POLICY_REJECTED", "x"), false],
    [new TypeError("x"), false],
    ["x", false],
  ];
  for (const [error, expected] of rows) assert.equal(isTransient(error), expected, String(error));
  const run = async (failures: number, maxRetries: number) => {
    let tries = 0;
    const work = () => tries++ < failures ? Promise.reject(status(503)) : Promise.resolve(tries);
    const signal = new AbortController().signal;
    return await retry("step", work, { maxRetries, retryDelay: 0, emit: () => {}, signal });
  };
  assert.equal(await run(2, 2), 3);
  await assert.rejects(run(3, 2), { status: 503 });
  await assert.rejects(run(1, 0), { status: 503 });
});
