/** A registry with an index that has everything the page shows, and texts that attack it. */
import type { Repository } from "../../src/registry/room.ts";
import { type Digest, MEDIA_TYPES } from "../../src/spec/room.ts";
import { makeAttestation, platformMember, pushEntries, type TestEntry } from "./buildkit.ts";
import { describe, encode, makeImage, makeTar, pushImage } from "./images.ts";

/** Texts that would run a script if the page took them for HTML, or leave it. */
export const ATTACKS: readonly string[] = [
  `<img src=x onerror="globalThis.attacked = 1">`,
  `"><script>globalThis.attacked = 2</script>`,
  `javascript:globalThis.attacked=3`,
  `</script><script>globalThis.attacked = 4</script>`,
  `<style>body { display: none }</style>`,
  `<iframe src="http://attacker.example/"></iframe>`,
  `{{constructor.constructor("globalThis.attacked = 5")()}}`,
  `\u202egpj.exe`,
];

/** Digests of what {@linkcode pushShowcase} pushed. */
export interface Showcase {
  index: Digest;
  images: Digest[];
}

/**
 * Pushes an index for several platforms with shared layers, a variant, an OS version, attestations, annotations, a
 * nested index and an artifact, under `tag`; all that an attacker chooses is an attack.
 */
export async function pushShowcase(repository: Repository, tag: string): Promise<Showcase> {
  const base = makeTar("base", noise(40_000));
  const tools = makeTar("tools", noise(20_000));
  const platforms = [
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm64", variant: "v8" },
    { os: "linux", architecture: "arm", variant: "v7" },
    { os: "windows", architecture: "amd64", osVersion: "10.0.20348.1" },
  ];
  const images = platforms.map((platform, i) =>
    makeImage({ ...platform, layers: [base, ...(i < 2 ? [tools] : []), makeTar(`app${i}`, noise(8_000 * (i + 1)))] })
  );
  const annotations = Object.fromEntries(ATTACKS.map((attack) => [attack, attack]));
  const entries: TestEntry[] = images.map((image, i) => ({
    image,
    platform: platformMember(platforms[i]!),
    ...(i === 1 ? { annotations } : {}),
  }));
  await pushEntries(repository, `${tag}-nested`, [entries[0]!, makeAttestation(images[0]!)]);
  const nested = (await repository.getManifest(`${tag}-nested`))!.bytes;
  const manifests = [
    ...[...entries, makeAttestation(images[0]!), makeAttestation(images[1]!)].map(({ image, ...entry }) => ({
      ...describe(MEDIA_TYPES.ociManifest, image.manifest),
      ...entry,
    })),
    { ...describe(MEDIA_TYPES.ociIndex, nested), annotations: { purpose: "nested" } },
    {
      ...describe(ATTACKS[0]!, images[3]!.manifest),
      artifactType: ATTACKS[1],
      platform: { os: ATTACKS[0], architecture: ATTACKS[1] },
    },
  ];
  for (const { image } of [...entries, makeAttestation(images[0]!), makeAttestation(images[1]!)]) {
    await pushImage(repository, image, image.digest);
  }
  const index = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests,
    annotations: { "org.opencontainers.image.version": "1.0", ...annotations },
  });
  return { index: await repository.putManifest(tag, index), images: images.map(({ digest }) => digest) };
}

let seed = 1;

/** Text that does not compress, the same in each run. */
function noise(length: number): string {
  let text = "";
  while (text.length < length) {
    seed = seed * 48_271 % 2_147_483_647;
    text += seed.toString(36);
  }
  return text.slice(0, length);
}
