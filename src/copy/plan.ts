import type { BlobOrigin, DestinationAbilities, VerifiedManifest } from "../image/mod.ts";
import {
  chooseInstance,
  type Descriptor,
  type Digest,
  DigestMismatchError,
  entriesOf,
  isIndex,
  ManifestsError,
  type NamedReference,
  type ParsedImage,
  type ParsedIndex,
  type Platform,
} from "../spec/mod.ts";

/** Which instances of a list are copied. */
export interface Selection {
  /** `system`: the one for the wanted platform; `all`; `specific`: those named. */
  readonly selection: "system" | "all" | "specific";
  /** The instances of `specific`. */
  readonly instances?: readonly Digest[] | undefined;
  /** The platform of `system`. */
  readonly wanted: Platform;
}

/** An image, or an instance of a list, that will be copied. */
export interface PlannedImage {
  /** Its digest. */
  readonly digest: Digest;
  /** Its manifest. */
  readonly manifest: ParsedImage;
  /** The instance to ask the source for; `undefined` for the image itself. */
  readonly instance: Digest | undefined;
  /** The blobs that must be there before its manifest. */
  readonly blobs: readonly Digest[];
}

/** A blob that will be at the destination. */
export interface PlannedBlob {
  /** The blob. */
  readonly descriptor: Descriptor;
  /** The instance in whose name the source is asked for it. */
  readonly instance: Digest | undefined;
  /** Where the destination can mount it from. */
  readonly mountFrom: BlobOrigin | undefined;
}

/** An image whose manifest has been read. */
export interface ReadImage {
  /** The instance to ask the source for; `undefined` for the image itself. */
  readonly instance: Digest | undefined;
  /** Its manifest. */
  readonly verified: VerifiedManifest;
  /** Where its blobs are, by digest, as far as the source says. */
  readonly origins: ReadonlyMap<Digest, BlobOrigin>;
}

/** What a copy will do; nothing in it has happened yet. */
export interface CopyPlan {
  /** The images. */
  readonly images: readonly PlannedImage[];
  /** The blobs of all images, each once. */
  readonly blobs: readonly PlannedBlob[];
  /** The index to write last; `undefined` where a single image is copied. */
  readonly index: (VerifiedManifest & { readonly manifest: ParsedIndex }) | undefined;
  /** How many different instances the index has; 1 for a single image. */
  readonly entries: number;
}

/** The instances that will be copied, in the order of the index and each once. */
export function selectInstances(index: ParsedIndex, selection: Selection): Digest[] {
  const digests = [...new Set(entriesOf(index).map(({ digest }) => digest))];
  switch (selection.selection) {
    case "all":
      return digests;
    case "system":
      return [chooseInstance(index, selection.wanted)];
    case "specific": {
      const wanted = new Set(selection.instances ?? []);
      const unknown = [...wanted].find((digest) => !digests.includes(digest));
      if (unknown) {
        throw new ManifestsError("INSTANCE_NOT_FOUND", `Cannot copy instance ${unknown} as it is not in the list`);
      }
      return digests.filter((digest) => wanted.has(digest));
    }
  }
}

/** Refuses a destination that names another manifest than the one that would be written there. */
export function requireDigest(destination: NamedReference | undefined, digest: Digest): void {
  const wanted = destination?.digest;
  if (wanted === undefined || digest === wanted) return;
  throw new DigestMismatchError(
    `the image for ${destination}: digest of source image's manifest would not match destination reference`,
    wanted,
    digest,
  );
}

/** Plans a copy. Pure: everything it needs was read before. */
export function planCopy(options: {
  top: VerifiedManifest;
  images: readonly ReadImage[];
  single: boolean;
  abilities: DestinationAbilities;
}): CopyPlan {
  const { top, abilities } = options;
  const blobs = new Map<Digest, PlannedBlob>();
  const images = options.images.map(({ instance, verified, origins }): PlannedImage => {
    const { digest, manifest } = verified;
    if (isIndex(manifest)) {
      throw new ManifestsError(
        "NESTED_INDEX",
        `Cannot copy instance ${digest} as it is an index inside an index, not a single image`,
      );
    }
    const own = blobsOf(manifest).filter(isCopied);
    for (const descriptor of own) {
      if (blobs.has(descriptor.digest)) continue;
      const origin = origins.get(descriptor.digest);
      const mountable = origin !== undefined && origin.scope === abilities.mountScope;
      blobs.set(descriptor.digest, { descriptor, instance, mountFrom: mountable ? origin : undefined });
    }
    return { digest, manifest, instance, blobs: [...new Set(own.map(({ digest }) => digest))] };
  });
  const index = !options.single && isIndex(top.manifest) ? { digest: top.digest, manifest: top.manifest } : undefined;
  for (const type of [index?.manifest.mediaType, ...images.map(({ manifest }) => manifest.mediaType)]) {
    requireType(type, abilities);
  }
  return {
    images,
    blobs: [...blobs.values()],
    index,
    entries: index ? new Set(entriesOf(index.manifest).map(({ digest }) => digest)).size : 1,
  };
}

/** The blobs that a manifest names: layers, then the configuration. */
export function blobsOf(manifest: ParsedImage): Descriptor[] {
  return [...manifest.layers, ...(manifest.config ? [manifest.config] : [])];
}

/** Layers with URLs of their own are downloaded from there by whoever runs the image, and are not in the registry. */
function isCopied({ mediaType, urls }: Descriptor): boolean {
  return !(urls?.length && /nondistributable|foreign/.test(mediaType));
}

function requireType(type: string | undefined, { manifestTypes }: DestinationAbilities): void {
  if (type === undefined || manifestTypes.length === 0 || manifestTypes.includes(type)) return;
  throw new ManifestsError(
    "MANIFEST_TYPE_NOT_SUPPORTED",
    `Cannot copy a manifest of type ${type} as the destination takes only ${manifestTypes.join(", ")}`,
  );
}
