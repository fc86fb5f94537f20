import type { DestinationAbilities } from "../image/room.ts";
import {
  convertToDockerManifest,
  type Descriptor,
  digestAlgorithm,
  isChangeableLayer,
  isForeignLayer,
  isSchema1MediaType,
  ManifestsError,
  MEDIA_TYPES,
  type ParsedImage,
  schema1EmptyLayers,
} from "../spec/room.ts";
import { cannotModify, listImageTypes } from "./formats.ts";
import { chooseRecoding, getDeclaredForm, type LayerForm, type LayerPolicy } from "./layer_policy.ts";
import type { InstanceCompression } from "./operations.ts";
import type { CopySettings, PlannedBlob, PlannedImage } from "./plan_types.ts";
import { blobsOf, type ReadImage, type ReadNode } from "./read_types.ts";
import type { Algorithm } from "./recoding/mod.ts";

/** What the plan of each image depends on. */
export interface PlanContext {
  /** What the destination can do. */
  readonly abilities: DestinationAbilities;
  /** What the caller wants. */
  readonly settings: CopySettings;
}

/** The compression that an instance will have. See `planOperations`. */
export function compressionAfter(image: ReadNode | undefined, options: PlanContext): InstanceCompression {
  if (!image) return "as-declared";
  if (image.kind === "index" || options.settings.fixed) return "fixed";
  const { manifest } = image;
  const keepsForeign = options.abilities.keepsForeignLayers ?? false;
  const layers = (image.layers ?? manifest.layers).filter((layer) => !(keepsForeign && isForeignLayer(layer)));
  if (layers.length === 0 || !layers.every((layer) => isChangeableLayer(manifest, layer))) return "fixed";
  const policy = policyFor(options, undefined);
  const fixed = fixedBy(options.settings, { isReferrer: false, ...image });
  const forms = new Set(layers.map((layer): LayerForm => {
    const form = getDeclaredForm(layer);
    // One that must not change stays as it is; a variant of it is another image.
    const recoding = form && !fixed ? chooseRecoding(policy, form) : undefined;
    return recoding ? recoding.compress?.algorithm ?? "uncompressed" : form;
  }));
  // Who reads zstd reads a mixture of it with zstd:chunked.
  if (forms.has("zstd")) forms.delete("zstd:chunked");
  const [form] = forms;
  if (forms.size > 1 || form === undefined || form === "bzip2" || form === "Xz") return "as-declared";
  return form;
}

/** Plans an image, or a variant of it. What cannot be done fails here. */
export function planImage(
  image: ReadImage,
  options: PlanContext,
  own: Pick<PlannedImage, "variant" | "referrers" | "isReferrer">,
): PlannedImage {
  const { variant, isReferrer } = own;
  const { place, digest, manifest } = image;
  const { abilities, settings } = options;
  // A variant is another image, of which nobody has signed or said anything yet.
  const signatures = variant ? [] : image.signatures;
  const fixed = fixedBy(settings, { isReferrer, signatures, referrers: own.referrers });
  const given = image.layers ?? manifest.layers;
  assertUnverifiable(image, abilities);
  assertSubstitution(manifest, given, fixed);
  const policy = policyFor(options, variant);
  if (fixed && !isReferrer && settings.forceCompressionFormat) assertRecoding(image, policy, fixed);
  const changeable = (layer: Descriptor) => !fixed && isChangeableLayer(manifest, layer);
  const recompressed = given.some((layer) => changeable(layer) && resultingAlgorithm(policy, layer) === "zstd");
  const types = listImageTypes(
    manifest,
    { abilities, forced: forcedType(settings, isReferrer), fixed },
    recompressed ? policy.algorithm : undefined,
  );
  assertConversion(manifest, types[0]!, abilities);
  // Not by a fallback: a Docker manifest that stays Docker's cannot name what OCI could.
  const zstd = types[0] === MEDIA_TYPES.ociManifest;
  const blob = (role: PlannedBlob["role"]) => (descriptor: Descriptor, i?: number): PlannedBlob => ({
    descriptor,
    role,
    place,
    origin: image.origins.get(descriptor.digest),
    policy: { ...policy, zstd, changeable: i !== undefined && changeable(descriptor) },
  });
  return {
    kind: "image",
    ...own,
    digest,
    manifest,
    place,
    layers: given.map((layer, i) => blob("layer")(layer, i)),
    config: manifest.config && blob("config")(manifest.config),
    types,
    fixed,
    signatures,
  };
}

/** Why a manifest must not change; `undefined` where it may. */
export function fixedBy(
  { fixed }: CopySettings,
  { isReferrer, signatures, referrers }: Companions,
): string | undefined {
  if (fixed !== undefined) return fixed;
  if (isReferrer) return "it is about another manifest, and goes with it as it is";
  if (signatures.length > 0) {
    return "it would invalidate signatures, which removeSignatures (--remove-signatures) leaves out";
  }
  return referrers.length > 0 ? "what is about it would be about another one" : undefined;
}

/** What holds a manifest as it is. */
interface Companions {
  readonly isReferrer: boolean;
  readonly signatures: readonly unknown[];
  readonly referrers: readonly unknown[];
}

/** The type that the caller wants: of images, not of what is about them. */
export function forcedType({ manifestType }: CopySettings, isReferrer: boolean): string | undefined {
  return isReferrer ? undefined : manifestType;
}

/** What is wanted of the layers of an image, or of a variant of it. */
function policyFor({ abilities, settings }: PlanContext, variant: Algorithm | undefined): LayerPolicy {
  const preserves = (abilities.layerCompression ?? "preserve") === "preserve";
  // Who forces a format means it also where layers would stay as they are.
  const mode = preserves && settings.forceCompressionFormat ? "compress" : abilities.layerCompression ?? "preserve";
  if (variant) {
    return { changeable: true, mode: "compress", algorithm: variant, level: undefined, required: true, zstd: true };
  }
  return {
    changeable: true,
    mode,
    algorithm: mode === "compress" ? settings.compressionFormat : undefined,
    level: settings.compressionLevel,
    required: settings.forceCompressionFormat ?? false,
    zstd: true,
  };
}

/** `zstd` where the layer will be compressed with it by us. */
function resultingAlgorithm(policy: LayerPolicy, layer: Descriptor): "zstd" | undefined {
  const recoding = chooseRecoding(policy, getDeclaredForm(layer) ?? "uncompressed");
  return recoding?.compress && recoding.compress.algorithm !== "gzip" ? "zstd" : undefined;
}

/** Fails now if a blob could not be verified when it is moved. */
function assertUnverifiable({ manifest, layers }: ReadImage, { keepsForeignLayers }: DestinationAbilities): void {
  for (const blob of blobsOf(manifest, layers)) {
    if (!keepsForeignLayers || !isForeignLayer(blob)) digestAlgorithm(blob.digest);
  }
}

/** A source that gives other bytes than the manifest names makes another manifest of it. */
function assertSubstitution(manifest: ParsedImage, given: readonly Descriptor[], fixed: string | undefined): void {
  if (given.length !== manifest.layers.length) {
    throw new ManifestsError(
      "INVALID_MANIFEST",
      `Cannot copy an image whose manifest names ${manifest.layers.length} layers as its source has ${given.length}`,
    );
  }
  const changed = given.some(({ digest }, i) => digest !== manifest.layers[i]!.digest);
  if (changed && fixed) throw cannotModify("copy an image whose layers are not kept as its manifest names them", fixed);
}

/** Who forces a compression is told where it cannot be had. */
function assertRecoding({ digest, manifest, layers }: ReadImage, policy: LayerPolicy, fixed: string): void {
  const differs = (layer: Descriptor) => {
    const form = getDeclaredForm(layer);
    return form !== undefined && isChangeableLayer(manifest, layer) && chooseRecoding(policy, form) !== undefined;
  };
  if ((layers ?? manifest.layers).some(differs)) throw cannotModify(`compress layers of image ${digest} anew`, fixed);
}

/** Fails now where a conversion cannot succeed later. */
function assertConversion(manifest: ParsedImage, type: string, abilities: DestinationAbilities): void {
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
