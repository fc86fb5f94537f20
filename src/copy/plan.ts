import type { BlobOrigin, DestinationAbilities, VerifiedManifest } from "../image/mod.ts";
import {
  convertToDockerManifest,
  type Descriptor,
  type Digest,
  DigestMismatchError,
  entriesOf,
  isChangeableLayer,
  isForeignLayer,
  isIndex,
  isSchema1MediaType,
  ManifestsError,
  MEDIA_TYPES,
  type NamedReference,
  type ParsedImage,
  type ParsedIndex,
  schema1EmptyLayers,
  UNKNOWN_SIZE,
} from "../spec/mod.ts";
import type { Signature } from "../signature/mod.ts";
import type { Algorithm } from "./recoding/mod.ts";
import { cannotModify, imageTypes, indexTypes } from "./formats.ts";
import { declaredForm, type LayerForm, type LayerPolicy, recodingFor } from "./layer_policy.ts";
import { type InstanceCompression, planOperations, type Variant } from "./operations.ts";

/** What a caller wants to become of the images; see `CopyOptions`. */
export interface CopyWishes {
  /** The only type of image manifest that may be written; `undefined`: what fits best. */
  readonly manifestType?: string | undefined;
  /** The algorithm for layers that are compressed on the way. */
  readonly compressionFormat?: Algorithm | undefined;
  /** Its level. */
  readonly compressionLevel?: number | undefined;
  /** Whether layers that are compressed otherwise are no substitute for those of `compressionFormat`. */
  readonly forceCompressionFormat?: boolean | undefined;
  /** The compressions that every platform of a list shall have. */
  readonly addCompression?: readonly Algorithm[] | undefined;
  /** Why nothing may change; `undefined` where everything may. */
  readonly fixed?: string | undefined;
}

/** An image whose manifest has been read. */
export interface ReadImage {
  /** The instance to ask the source for; `undefined` for the image itself. */
  readonly instance: Digest | undefined;
  /** Its manifest. */
  readonly verified: VerifiedManifest;
  /** The layers as the source gives them, where those are not the manifest's. */
  readonly layers: readonly Descriptor[] | undefined;
  /** Where its blobs are, by digest, as far as the source says. */
  readonly origins: ReadonlyMap<Digest, BlobOrigin>;
  /** Its signatures that go with it. */
  readonly signatures: readonly Signature[];
}

/** A blob that will be at the destination. */
export interface PlannedBlob {
  /** The blob as the source gives it. */
  readonly descriptor: Descriptor;
  /** Whether it is a layer or a configuration. */
  readonly role: "layer" | "config";
  /** The instance in whose name the source is asked for it. */
  readonly instance: Digest | undefined;
  /** Where it is at the source, as far as that says. */
  readonly origin: BlobOrigin | undefined;
  /** What is wanted of its compression. */
  readonly policy: LayerPolicy;
}

/** An image, or an instance of a list, that will be written. */
export interface PlannedImage {
  /** Its digest at the source. */
  readonly digest: Digest;
  /** Its manifest at the source. */
  readonly manifest: ParsedImage;
  /** The instance to ask the source for; `undefined` for the image itself. */
  readonly instance: Digest | undefined;
  /** The variant of the image that this is; `undefined`: the image itself. */
  readonly variant: Variant | undefined;
  /** Its layers, base first. */
  readonly layers: readonly PlannedBlob[];
  /** Its configuration; absent in schema 1. */
  readonly config: PlannedBlob | undefined;
  /** The types in which its manifest may be written, best first. */
  readonly types: readonly string[];
  /** Why it must not change; `undefined` where it may. */
  readonly fixed: string | undefined;
  /** Its signatures that go with it. */
  readonly signatures: readonly Signature[];
}

/** What a copy will do; nothing in it has happened yet. */
export interface CopyPlan {
  /** The images, each followed by its variants. */
  readonly images: readonly PlannedImage[];
  /** The index to write last; `undefined` where a single image is copied. */
  readonly index: PlannedIndex | undefined;
  /** How many different instances the index has; 1 for a single image. */
  readonly entries: number;
}

/** An index that will be written. */
export interface PlannedIndex {
  /** Its digest at the source. */
  readonly digest: Digest;
  /** The index at the source. */
  readonly manifest: ParsedIndex;
  /** The types in which it may be written, best first. */
  readonly types: readonly string[];
  /** Why it must not change; `undefined` where it may. */
  readonly fixed: string | undefined;
  /** Its signatures that go with it. */
  readonly signatures: readonly Signature[];
}

/** What {@linkcode planCopy} needs: everything was read before. */
export interface PlanOptions {
  /** The image or list itself. */
  readonly top: VerifiedManifest;
  /** Its signatures that go with it, where it is a list. */
  readonly topSignatures: readonly Signature[];
  /** The images to copy. */
  readonly images: readonly ReadImage[];
  /** Whether a single image is copied, not a list. */
  readonly single: boolean;
  /** What the destination can do. */
  readonly abilities: DestinationAbilities;
  /** What the caller wants. */
  readonly wishes: CopyWishes;
}

/** Plans a copy. Pure. What cannot be done fails here, before anything is written. */
export function planCopy(options: PlanOptions): CopyPlan {
  const { top, single, wishes } = options;
  refuseTwoSizes(options.images);
  if (single || !isIndex(top.manifest)) {
    const images = options.images.map((image) => planImage(image, options, undefined));
    return { images, index: undefined, entries: 1 };
  }
  const read = new Map(options.images.map((image) => [image.verified.digest, image]));
  const operations = planOperations(top.manifest, {
    chosen: options.images.map(({ verified }) => verified.digest),
    addCompression: wishes.addCompression ?? [],
    compressionOf: (digest) => compressionAfter(read.get(digest), options),
  });
  const marksZstd = operations.some(({ variant }) => variant !== undefined && variant.algorithm !== "gzip");
  const { manifestType: forced } = wishes;
  const fixed = fixedBy(wishes, options.topSignatures);
  const accepted = options.abilities.manifestTypes;
  const types = indexTypes(top.manifest, { accepted, forced, fixed, marksZstd });
  if (fixed && wishes.addCompression?.length) throw cannotModify("add variants to the manifest list", fixed);
  if (fixed) refuseCorrection(top.manifest, read, fixed);
  return {
    images: operations.map(({ digest, variant }) => planImage(read.get(digest)!, options, variant)),
    index: { digest: top.digest, manifest: top.manifest, types, fixed, signatures: options.topSignatures },
    entries: new Set(entriesOf(top.manifest).map(({ digest }) => digest)).size,
  };
}

/** The compression that an instance will have. See `planOperations`. */
function compressionAfter(image: ReadImage | undefined, options: PlanOptions): InstanceCompression {
  if (!image) return "as-declared";
  const { manifest } = image.verified;
  if (isIndex(manifest) || options.wishes.fixed) return "fixed";
  const keepsForeign = options.abilities.keepsForeignLayers ?? false;
  const layers = (image.layers ?? manifest.layers).filter((layer) => !(keepsForeign && isForeignLayer(layer)));
  if (layers.length === 0 || !layers.every((layer) => isChangeableLayer(manifest, layer))) return "fixed";
  const policy = policyFor(options, undefined);
  const forms = new Set(layers.map((layer): LayerForm => {
    const form = declaredForm(layer);
    // One that is signed stays as it is; a variant of it is another image.
    const recoding = form && image.signatures.length === 0 ? recodingFor(policy, form) : undefined;
    return recoding ? recoding.compress?.algorithm ?? "uncompressed" : form;
  }));
  // Who reads zstd reads a mixture of it with zstd:chunked.
  if (forms.has("zstd")) forms.delete("zstd:chunked");
  const [form] = forms;
  if (forms.size > 1 || form === undefined || form === "bzip2" || form === "Xz") return "as-declared";
  return form;
}

function planImage(image: ReadImage, options: PlanOptions, variant: Variant | undefined): PlannedImage {
  const { instance, verified: { digest, manifest } } = image;
  if (isIndex(manifest)) {
    throw new ManifestsError(
      "NESTED_INDEX",
      `Cannot copy instance ${digest} as it is an index inside an index, not a single image`,
    );
  }
  const { abilities, wishes } = options;
  const { manifestType: forced } = wishes;
  // A variant is another image, of which nobody has signed anything yet.
  const signatures = variant ? [] : image.signatures;
  const fixed = fixedBy(wishes, signatures);
  const given = image.layers ?? manifest.layers;
  refuseSubstitution(manifest, given, fixed);
  const policy = policyFor(options, variant?.algorithm);
  const changeable = (layer: Descriptor) => !fixed && isChangeableLayer(manifest, layer);
  const recompressed = given.some((layer) => changeable(layer) && resultingAlgorithm(policy, layer) === "zstd");
  const types = imageTypes(
    manifest,
    { accepted: abilities.manifestTypes, forced, fixed },
    recompressed ? policy.algorithm : undefined,
  );
  refuseConversion(manifest, types[0]!, abilities);
  // Not by a fallback: a Docker manifest that stays Docker's cannot name what OCI could.
  const zstd = types[0] === MEDIA_TYPES.ociManifest;
  const blob = (role: PlannedBlob["role"]) => (descriptor: Descriptor, i?: number): PlannedBlob => ({
    descriptor,
    role,
    instance,
    origin: image.origins.get(descriptor.digest),
    policy: { ...policy, zstd, changeable: i !== undefined && changeable(descriptor) },
  });
  return {
    digest,
    manifest,
    instance,
    variant,
    layers: given.map((layer, i) => blob("layer")(layer, i)),
    config: manifest.config && blob("config")(manifest.config),
    types,
    fixed,
    signatures,
  };
}

/** Why something that has these signatures must not change; `undefined` where it may. */
function fixedBy({ fixed }: CopyWishes, signatures: readonly Signature[]): string | undefined {
  return fixed ??
    (signatures.length > 0 ? "it would invalidate signatures, which removeSignatures leaves out" : undefined);
}

/** What is wanted of the layers of an image, or of a variant of it. */
function policyFor({ abilities, wishes }: PlanOptions, variant: Algorithm | undefined): LayerPolicy {
  const preserves = (abilities.layerCompression ?? "preserve") === "preserve";
  // Who forces a format means it also where layers would stay as they are.
  const wish = preserves && wishes.forceCompressionFormat ? "compress" : abilities.layerCompression ?? "preserve";
  if (variant) {
    return { changeable: true, wish: "compress", algorithm: variant, level: undefined, required: true, zstd: true };
  }
  return {
    changeable: true,
    wish,
    algorithm: wish === "compress" ? wishes.compressionFormat : undefined,
    level: wishes.compressionLevel,
    required: wishes.forceCompressionFormat ?? false,
    zstd: true,
  };
}

/** `zstd` where the layer will be compressed with it by us. */
function resultingAlgorithm(policy: LayerPolicy, layer: Descriptor): "zstd" | undefined {
  const recoding = recodingFor(policy, declaredForm(layer) ?? "uncompressed");
  return recoding?.compress && recoding.compress.algorithm !== "gzip" ? "zstd" : undefined;
}

/** A source that gives other bytes than the manifest names makes another manifest of it. */
function refuseSubstitution(manifest: ParsedImage, given: readonly Descriptor[], fixed: string | undefined): void {
  if (given.length !== manifest.layers.length) {
    throw new ManifestsError(
      "INVALID_MANIFEST",
      `Cannot copy an image whose manifest names ${manifest.layers.length} layers as its source has ${given.length}`,
    );
  }
  const changed = given.some(({ digest }, i) => digest !== manifest.layers[i]!.digest);
  if (changed && fixed) throw cannotModify("copy an image whose layers are not kept as its manifest names them", fixed);
}

/** An index that says something wrong of its instances would be corrected on the way. */
function refuseCorrection(index: ParsedIndex, read: ReadonlyMap<Digest, ReadImage>, fixed: string): void {
  for (const { digest, size, mediaType } of entriesOf(index)) {
    const manifest = read.get(digest)?.verified.manifest;
    if (!manifest || (size === manifest.bytes.length && mediaType === manifest.mediaType)) continue;
    throw cannotModify(`copy a manifest list that describes instance ${digest} wrongly`, fixed);
  }
}

/** One blob cannot have two sizes: one of the manifests is wrong, and would be published. */
function refuseTwoSizes(images: readonly ReadImage[]): void {
  const sizes = new Map<Digest, number>();
  for (const { verified: { digest: image, manifest }, layers } of images) {
    if (isIndex(manifest)) continue;
    for (const { digest, size } of [...layers ?? manifest.layers, ...manifest.config ? [manifest.config] : []]) {
      const other = sizes.get(digest) ?? size;
      if (size !== other && size !== UNKNOWN_SIZE && other !== UNKNOWN_SIZE) {
        throw new ManifestsError(
          "INVALID_MANIFEST",
          `Cannot copy image ${image} as it says that blob ${digest} has ${size} bytes, but another says ${other}`,
        );
      }
      sizes.set(digest, Math.max(size, other));
    }
  }
}

/** Fails now where a conversion cannot succeed later. */
function refuseConversion(manifest: ParsedImage, type: string, abilities: DestinationAbilities): void {
  if (type === manifest.mediaType) return;
  if (manifest.kind === "oci-image") convertToDockerManifest(withoutZstd(manifest, abilities));
  // Reading its history is what can fail.
  if (manifest.kind === "docker-schema1" && !isSchema1MediaType(type)) schema1EmptyLayers(manifest);
}

/** Layers with zstd are compressed anew before they are named in a format that cannot say zstd. */
function withoutZstd(manifest: ParsedImage, { keepsForeignLayers }: DestinationAbilities): ParsedImage {
  const layers = manifest.layers.map((layer) => {
    const kept = !isChangeableLayer(manifest, layer) || (keepsForeignLayers && isForeignLayer(layer));
    return kept ? layer : { ...layer, mediaType: layer.mediaType.replace(/\+zstd$/, "+gzip") };
  });
  return { ...manifest, layers };
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
