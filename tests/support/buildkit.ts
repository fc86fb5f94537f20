/** Images as BuildKit pushes them: an index of each image and its attestation. */
import type { Repository } from "../../src/registry/room.ts";
import { type Descriptor, type Digest, digestOf, MEDIA_TYPES, type Platform } from "../../src/spec/room.ts";
import { describe, encode, makeImage, pushImage, type TestImage } from "./images.ts";

/** An entry of an index that tests make: what it names, and what else it says. */
export interface TestEntry extends Omit<Partial<Descriptor>, "platform"> {
  /** The image that the attestation is about. */
  image: TestImage;
  /** The `platform` member, as it stands in the JSON. */
  platform?: Record<string, unknown>;
}

/** The `platform` member of an index. */
export function platformMember(platform: Platform): Record<string, unknown> {
  const { osVersion, osFeatures, ...rest } = platform;
  return {
    ...rest,
    ...(osVersion ? { "os.version": osVersion } : {}),
    ...(osFeatures ? { "os.features": osFeatures } : {}),
  };
}

/** The statement of attestations that no test reads. */
const PROVENANCE = [["https://slsa.dev/provenance/v0.2", {}]] as const;

/** The attestation of an image, as `docker buildx build` makes it: a manifest of in-toto statements. */
export function makeAttestation(
  image: TestImage,
  predicates: readonly (readonly [predicateType: string, predicate: unknown])[] = PROVENANCE,
): TestEntry {
  const statements = predicates.map(([predicateType, predicate]) =>
    encode({ _type: "https://in-toto.io/Statement/v0.1", predicateType, subject: [{ name: image.digest }], predicate })
  );
  const config = encode({
    architecture: "unknown",
    os: "unknown",
    config: {},
    rootfs: { type: "layers", diff_ids: statements.map((statement) => digestOf(statement)) },
  });
  const blobs = [
    ...statements.map((bytes) => ({ descriptor: describe("application/vnd.in-toto+json", bytes), bytes })),
    { descriptor: describe(MEDIA_TYPES.ociConfig, config), bytes: config },
  ];
  const manifest = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: blobs.at(-1)!.descriptor,
    layers: predicates.map(([predicateType], i) => ({
      ...blobs[i]!.descriptor,
      annotations: { "in-toto.io/predicate-type": predicateType },
    })),
  });
  return {
    image: { manifest, digest: describe(MEDIA_TYPES.ociManifest, manifest).digest, blobs },
    annotations: {
      "vnd.docker.reference.digest": image.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
    platform: { architecture: "unknown", os: "unknown" },
  };
}

/** Pushes an index of these entries, and what they name. Returns its digest. */
export async function pushEntries(repository: Repository, tag: string, entries: readonly TestEntry[]): Promise<Digest> {
  for (const { image } of entries) await pushImage(repository, image, image.digest);
  const manifests = entries.map(({ image, ...entry }) => ({
    ...describe(MEDIA_TYPES.ociManifest, image.manifest),
    ...entry,
  }));
  return await repository.putManifest(tag, encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
}

/** Result of {@linkcode pushBuildKit}. */
export interface BuildKitImage {
  /** Digest of the index. */
  digest: Digest;
  /** Digests of the images, in the order of the platforms. */
  images: Digest[];
  /** Digests of their attestations. */
  attestations: Digest[];
}

/** Pushes what `docker buildx build --platform … --provenance=true --push` does: images first, then attestations. */
export async function pushBuildKit(
  repository: Repository,
  tag: string,
  platforms: readonly Platform[],
): Promise<BuildKitImage> {
  const images = platforms.map((platform) => makeImage(platform));
  const attestations = images.map((image) => makeAttestation(image));
  const entries = images.map((image, i): TestEntry => ({ image, platform: platformMember(platforms[i]!) }));
  return {
    digest: await pushEntries(repository, tag, [...entries, ...attestations]),
    images: images.map(({ digest }) => digest),
    attestations: attestations.map(({ image }) => image.digest),
  };
}
