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
import { listImageBlobs, type ReadImage, type ReadNode } from "./read_types.ts";
import type { Algorithm } from "./recoding/mod.ts";

/** Common inputs for the plans of all images. */
export interface PlanContext {
  /** Capabilities of the destination of the copy. */
  readonly abilities: DestinationAbilities;
  /** The validated options of the caller. */
  readonly settings: CopySettings;
}

/** Predicts the compression of an instance after the copy, for `planOperations`. */
export function predictCompression(image: ReadNode | undefined, options: PlanContext): InstanceCompression {
  if (!image) return "as-declared";
  if (image.kind === "index" || options.settings.fixed) return "fixed";
  const { manifest } = image;
  const keepsForeign = options.abilities.keepsForeignLayers ?? false;
  const layers = (image.layers ?? manifest.layers).filter((layer) => !(keepsForeign && isForeignLayer(layer)));
  if (layers.length === 0 || !layers.every((layer) => isChangeableLayer(manifest, layer))) return "fixed";
  const policy = createLayerPolicy(options, undefined);
  const fixed = findFixReason(options.settings, { isReferrer: false, ...image });
  const forms = new Set(layers.map((layer): LayerForm => {
    const form = getDeclaredForm(layer);
    // An image that must not change keeps its layers; only its variants are recompressed.
    const recoding = form && !fixed ? chooseRecoding(policy, form) : undefined;
    return recoding ? recoding.compress?.algorithm ?? "uncompressed" : form;
  }));
  // Clients that support zstd can also read zstd:chunked, so a mixture of both counts as zstd.
  if (forms.has("zstd")) forms.delete("zstd:chunked");
  const [form] = forms;
  if (forms.size > 1 || form === undefined || form === "bzip2" || form === "Xz") return "as-declared";
  return form;
}

/**
 * Plans an image, or a variant of it.
 *
 * @throws {ManifestsError} With code `CANNOT_MODIFY`, `COMPRESSION_NOT_SUPPORTED`, `CONVERSION_NOT_SUPPORTED`,
 * `INVALID_DIGEST`, `INVALID_MANIFEST` or `MANIFEST_TYPE_NOT_SUPPORTED`.
 */
export function planImage(
  image: ReadImage,
  options: PlanContext,
  position: Pick<PlannedImage, "variant" | "referrers" | "isReferrer">,
): PlannedImage {
  const { variant, isReferrer } = position;
  const { place, digest, manifest } = image;
  const { abilities, settings } = options;
  // A variant is a new image, which has no signatures or referrers yet.
  const signatures = variant ? [] : image.signatures;
  const fixed = findFixReason(settings, { isReferrer, signatures, referrers: position.referrers });
  const layers = image.layers ?? manifest.layers;
  assertVerifiable(image, abilities);
  assertSameLayers(manifest, layers, fixed);
  const policy = createLayerPolicy(options, variant);
  if (fixed && !isReferrer && settings.forceCompressionFormat) assertNoRecoding(image, policy, fixed);
  const changeable = (layer: Descriptor) => !fixed && isChangeableLayer(manifest, layer);
  const recompressed = layers.some((layer) => changeable(layer) && compressesWithZstd(policy, layer));
  const types = listImageTypes(
    manifest,
    { abilities, forced: getForcedType(settings, isReferrer), fixed },
    recompressed ? policy.algorithm : undefined,
  );
  assertConvertible(manifest, types[0]!, abilities);
  // Decided by the preferred type alone: layers are moved before it is known whether a fallback is needed.
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
    ...position,
    digest,
    manifest,
    place,
    layers: layers.map((layer, i) => blob("layer")(layer, i)),
    config: manifest.config && blob("config")(manifest.config),
    types,
    fixed,
    signatures,
  };
}

/** Finds the reason why a manifest must not change; `undefined`: it may. */
export function findFixReason(
  { fixed }: CopySettings,
  { isReferrer, signatures, referrers }: Attachments,
): string | undefined {
  if (fixed !== undefined) return fixed;
  if (isReferrer) return "it is a referrer, which is copied unchanged";
  if (signatures.length > 0) {
    return "its signatures would become invalid; to drop them, set removeSignatures (--remove-signatures)";
  }
  return referrers.length > 0 ? "its referrers would no longer refer to it" : undefined;
}

/** Properties of a manifest that forbid changes. */
interface Attachments {
  readonly isReferrer: boolean;
  readonly signatures: readonly unknown[];
  readonly referrers: readonly unknown[];
}

/** Returns the only allowed media type; `undefined`: any. The option does not apply to referrers. */
export function getForcedType({ manifestType }: CopySettings, isReferrer: boolean): string | undefined {
  return isReferrer ? undefined : manifestType;
}

/** Creates the policy for the layers of an image, or of a variant of it. */
function createLayerPolicy({ abilities, settings }: PlanContext, variant: Algorithm | undefined): LayerPolicy {
  const preserves = (abilities.layerCompression ?? "preserve") === "preserve";
  // A forced format also applies if the destination would keep layers as they are.
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

/** Whether the layer will be recompressed with zstd during the copy. */
function compressesWithZstd(policy: LayerPolicy, layer: Descriptor): boolean {
  const recoding = chooseRecoding(policy, getDeclaredForm(layer) ?? "uncompressed");
  return recoding?.compress !== undefined && recoding.compress.algorithm !== "gzip";
}

/** Fails if the digest algorithm of a blob is not supported, so that the blob could not be verified later. */
function assertVerifiable({ manifest, layers }: ReadImage, { keepsForeignLayers }: DestinationAbilities): void {
  for (const blob of listImageBlobs(manifest, layers)) {
    if (!keepsForeignLayers || !isForeignLayer(blob)) digestAlgorithm(blob.digest);
  }
}

/** Fails if the source returns other layers than the manifest names and the manifest must not change. */
function assertSameLayers(manifest: ParsedImage, layers: readonly Descriptor[], fixed: string | undefined): void {
  if (layers.length !== manifest.layers.length) {
    throw new ManifestsError(
      "INVALID_MANIFEST",
      `Cannot copy an image: its manifest names ${manifest.layers.length} layers, but its source has ${layers.length}`,
    );
  }
  const changed = layers.some(({ digest }, i) => digest !== manifest.layers[i]!.digest);
  if (changed && fixed) {
    throw cannotModify("copy an image whose layers are stored in another form than its manifest names", fixed);
  }
}

/** Fails if a forced compression would change an image that must not change. */
function assertNoRecoding({ digest, manifest, layers }: ReadImage, policy: LayerPolicy, fixed: string): void {
  const differs = (layer: Descriptor) => {
    const form = getDeclaredForm(layer);
    return form !== undefined && isChangeableLayer(manifest, layer) && chooseRecoding(policy, form) !== undefined;
  };
  if ((layers ?? manifest.layers).some(differs)) throw cannotModify(`recompress layers of image ${digest}`, fixed);
}

/** Fails before anything is written if the manifest cannot be converted. */
function assertConvertible(manifest: ParsedImage, type: string, abilities: DestinationAbilities): void {
  if (type === manifest.mediaType) return;
  if (manifest.kind === "oci-image") convertToDockerManifest(withoutZstd(manifest, abilities));
  // A conversion from schema 1 fails only if its history cannot be read.
  if (manifest.kind === "docker-schema1" && !isSchema1MediaType(type)) schema1EmptyLayers(manifest);
}

/** Returns the manifest with gzip instead of zstd: such layers are recompressed for formats without zstd. */
function withoutZstd(manifest: ParsedImage, { keepsForeignLayers }: DestinationAbilities): ParsedImage {
  const layers = manifest.layers.map((layer) => {
    const kept = !isChangeableLayer(manifest, layer) || (keepsForeignLayers && isForeignLayer(layer));
    return kept ? layer : { ...layer, mediaType: layer.mediaType.replace(/\+zstd$/, "+gzip") };
  });
  return { ...manifest, layers };
}
