import type { ImageSource, NewBlob } from "../image/room.ts";
import { allOrAbort, Semaphore, toStream } from "../internal/room.ts";
import {
  convertToOciManifest,
  digestOf,
  EMPTY_GZIP_LAYER,
  isChangeableLayer,
  isSchema1MediaType,
  MEDIA_TYPES,
  type NamedReference,
  type ParsedImage,
  type Platform,
} from "../spec/room.ts";
import type { BlobInfoCache } from "./blob_info_cache.ts";
import { BlobMover } from "./blob_mover.ts";
import { buildManifest } from "./build_manifest.ts";
import { createRecoder, type Recoder } from "./recoding/mod.ts";
import { convertIndex, editIndex, type WrittenManifest } from "./edit_index.ts";
import { cannotModify } from "./formats.ts";
import { getDeclaredForm } from "./layer_policy.ts";
import { ImageContent } from "./image_content.ts";
import { ManifestWriter, type ManifestWriterOptions } from "./manifest_writer.ts";
import type { MovedBlob } from "./move_blob.ts";
import type { CopyPlan, PlannedImage, PlannedIndex, PlannedNode } from "./plan_types.ts";
import { isTransientForBlob, isTransientForManifest, retry, writeFirstAccepted } from "./retry.ts";

/** Default of the maximum number of blobs that are moved concurrently. */
const MAX_PARALLEL = 8;
/** The same for small blobs: as many as a client sends requests to one host. */
const MAX_PARALLEL_SMALL = 32;

/** Options of {@linkcode runPlan}. */
export interface RunOptions extends Omit<ManifestWriterOptions, "top" | "slots"> {
  /** The plan to carry out. */
  readonly plan: CopyPlan;
  /** The source that was planned for. */
  readonly source: ImageSource;
  /** Facts about blobs from earlier copies. */
  readonly cache: BlobInfoCache;
  /** Maximum number of blobs that are moved concurrently; `undefined`: 8, and 32 small ones in addition. */
  readonly maxParallelTransfers: number | undefined;
  /** Platform of instances that have none, since a Docker list requires one. */
  readonly defaultPlatform: Platform;
  /** Called when the copy of an image starts, in the order of the plan. */
  readonly onImage: (image: PlannedImage) => void;
  /** Called after the blobs of an image were copied, before its manifest is written. */
  readonly onManifest: () => void;
  /** Aborts the copy; `undefined`: it is never aborted. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Carries out a plan: images concurrently, each blob once, an image's manifest after its blobs, and an index after all
 * manifests that it names. The top-level manifest is written last, also after its referrers, so that the destination's
 * name never has an incomplete image.
 *
 * @returns The manifest that was written for each node of the plan, and whether the destination's name already had it.
 */
export async function runPlan(
  options: RunOptions,
): Promise<{ written: ReadonlyMap<PlannedNode, WrittenManifest>; unchanged: boolean }> {
  const { plan, destination } = options;
  const { top, images } = plan;
  using recoder = createRecoder();
  const run = new Run(options, recoder);
  const write = (image: PlannedImage, signal: AbortSignal) => {
    options.onImage(image);
    return run.copyImage(image, signal);
  };
  await allOrAbort(images.filter((image) => image !== top).map((image) => (s) => write(image, s)), options.signal);
  const signal = options.signal ?? new AbortController().signal;
  await run.writeIndexes(top, signal);
  if (top.kind === "image") await write(top, signal);
  await destination.commit({ signal });
  return run;
}

class Run {
  readonly #options: RunOptions;
  readonly #slots: Semaphore;
  readonly #blobs: BlobMover;
  readonly #visited = new Set<PlannedNode>();
  /** The written manifest for each node of the plan. */
  readonly written = new Map<PlannedNode, WrittenManifest>();
  readonly #manifests: ManifestWriter;

  constructor(options: RunOptions, recoder: Recoder) {
    this.#options = options;
    const parallel = options.destination.abilities.parallelBlobs ?? true;
    const limit = parallel ? options.maxParallelTransfers : 1;
    this.#slots = new Semaphore(limit ?? MAX_PARALLEL);
    const smallSlots = limit === undefined ? new Semaphore(MAX_PARALLEL_SMALL) : this.#slots;
    const { source, destination, cache, emit, retry, plan: { top }, signing, ifMatch, skipExisting } = options;
    const slots = this.#slots;
    // A new signature must cover the bytes of the source, not other bytes that an earlier copy recorded as equal.
    const substitutes = signing === undefined;
    this.#blobs = new BlobMover({ source, destination, cache, emit, retry, substitutes, recoder, slots, smallSlots });
    this.#manifests = new ManifestWriter({ destination, top, signing, ifMatch, skipExisting, retry, emit, slots });
  }

  /** Whether the destination's name already had the top-level manifest. */
  get unchanged(): boolean {
    return this.#manifests.unchanged;
  }

  async copyImage(image: PlannedImage, signal: AbortSignal): Promise<void> {
    const { source, cache, plan } = this.#options;
    const content = new ImageContent(image, {
      source,
      cache,
      slots: this.#slots,
      retry: (step, work, signal) => this.#retry(step, work, signal, isTransientForBlob),
    });
    // The first type is almost always accepted; if a later one needs the configuration, `#putConfig` moves it.
    const config = image.config && keepsConfig(image, image.types[0]!) ? [image.config] : [];
    // Fail before the layers are moved if the configuration cannot be converted.
    if (image.manifest.kind === "docker-image" && image.types[0] === MEDIA_TYPES.ociManifest) {
      convertToOciManifest(image.manifest, await content.config(signal));
    }
    const moved = await allOrAbort(
      [...image.layers, ...config].map((blob) => (signal) => this.#blobs.move(blob, signal)),
      signal,
    );
    const layers = moved.slice(0, image.layers.length);
    await content.verifyDiffIds(layers, signal);
    this.#options.onManifest();
    const { manifest, identity } = await this.#writeManifest(image, layers, content, signal);
    this.#options.emit({
      type: "manifest-done",
      digest: identity.digest,
      source: image.digest,
      top: image === plan.top,
    });
    this.written.set(image, {
      source: image.digest,
      ...identity,
      mediaType: manifest.mediaType,
      zstd: hasZstd(manifest, layers),
    });
  }

  /** Writes an image's manifest in the best media type that the destination accepts. */
  async #writeManifest(image: PlannedImage, layers: readonly MovedBlob[], content: ImageContent, signal: AbortSignal) {
    const name = this.#options.destination.reference.dockerReference;
    return await writeFirstAccepted(image.types, async (type) => {
      const built = await buildManifest(image, type, {
        layers,
        name,
        readConfig: () => content.config(signal),
        readDiffIds: () => content.diffIds(layers, signal),
      });
      assertUnchanged(image, built.image, name);
      await this.#putConfig(image, built.image, built.config, signal);
      const { bytes } = built.image;
      const step = `writing manifest ${image.digest}`;
      const digest = await this.#manifests.put(image, built.image, {
        step,
        isTransient: isTransientForManifest,
        restore: () => this.#blobs.restore(image, signal),
        signal,
      });
      return { manifest: built.image, identity: { digest, size: bytes.length } };
    });
  }

  /** Writes the configuration of a manifest if it was not moved yet; for schema 1, the empty layer. */
  async #putConfig(
    image: PlannedImage,
    manifest: ParsedImage,
    config: Uint8Array<ArrayBuffer> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (config) return await this.#putBytes("config", manifest.config!.mediaType, config, signal);
    if (image.config && keepsConfig(image, manifest.mediaType)) {
      return void await this.#blobs.move(image.config, signal);
    }
    const { bytes, descriptor } = EMPTY_GZIP_LAYER;
    const namesEmpty = manifest.layers.some(({ digest }) => digest === descriptor.digest);
    if (isSchema1MediaType(manifest.mediaType) && namesEmpty && !isSchema1MediaType(image.manifest.mediaType)) {
      await this.#putBytes("layer", descriptor.mediaType, bytes, signal);
    }
  }

  async #putBytes(
    role: NewBlob["role"],
    mediaType: string,
    bytes: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<void> {
    const { destination } = this.#options;
    const identity = { digest: digestOf(bytes), size: bytes.length };
    const call = { signal, maxRetries: 0 };
    await this.#retry(
      `writing ${role} ${identity.digest}`,
      async () => {
        if (await destination.findBlob({ mediaType, ...identity }, call) !== undefined) return;
        await destination.putBlob({ role, mediaType, ...identity, measured: () => identity }, toStream(bytes), call);
      },
      signal,
      isTransientForBlob,
    );
  }

  /** Writes the indexes of a tree, innermost first. */
  async writeIndexes(node: PlannedNode, signal: AbortSignal): Promise<void> {
    if (this.#visited.has(node)) return;
    this.#visited.add(node);
    for (const referrer of node.referrers) await this.writeIndexes(referrer, signal);
    if (node.kind === "image") return;
    for (const { node: member } of node.members) await this.writeIndexes(member, signal);
    await this.#writeIndex(node, signal);
  }

  async #writeIndex(index: PlannedIndex, signal: AbortSignal): Promise<void> {
    const { emit, plan, defaultPlatform } = this.#options;
    const members = index.members.map(({ node, variantEntries }) => ({ ...this.written.get(node)!, variantEntries }));
    await writeFirstAccepted(index.types, async (type) => {
      const converted = convertIndex(index.manifest, type, defaultPlatform);
      const edited = editIndex(converted, members, { fixed: index.fixed !== undefined });
      if (edited !== index.manifest && index.fixed) throw cannotModify("edit the manifest list", index.fixed);
      const { bytes, mediaType } = edited;
      // A sparse index names manifests that do not exist on purpose, so a retry could not help.
      const isTransient = index.whole ? isTransientForManifest : undefined;
      const digest = await this.#manifests.put(index, edited, { step: "writing manifest list", isTransient, signal });
      this.written.set(index, { source: index.digest, digest, size: bytes.length, mediaType, zstd: false });
      emit({ type: "manifest-done", digest, top: index === plan.top });
    });
  }

  #retry<T>(
    step: string,
    work: () => Promise<T>,
    signal: AbortSignal,
    isTransient?: (error: unknown) => boolean,
  ): Promise<T> {
    return retry(step, work, { ...this.#options.retry, signal, isTransient });
  }
}

/** Whether an image keeps its configuration in a media type: schema 1 has none, and Docker's is converted for OCI. */
function keepsConfig({ manifest }: PlannedImage, type: string): boolean {
  if (isSchema1MediaType(type)) return false;
  return manifest.mediaType === type || manifest.kind === "oci-image";
}

/**
 * Whether an image has layers that are compressed with zstd, except layers that stay at external URLs and the contents of
 * artifacts, as in Go (copy/single.go `copyLayers`).
 *
 * @param moved The layers as they were copied. Default: as the manifest names them.
 */
export function hasZstd(manifest: ParsedImage, moved: readonly MovedBlob[] = []): boolean {
  const byDigest = new Map(moved.map((blob) => [blob.digest, blob]));
  return manifest.layers.some((layer) => {
    const blob = byDigest.get(layer.digest);
    const form = blob?.form ?? getDeclaredForm(layer);
    return isChangeableLayer(manifest, layer) && blob?.outcome !== "kept" &&
      (form === "zstd" || form === "zstd:chunked");
  });
}

/** Fails if a manifest changed that must not change. The plan prevents this, so an error here means a defect. */
function assertUnchanged({ digest, fixed, manifest }: PlannedImage, built: ParsedImage, name?: NamedReference): void {
  if (fixed === undefined || built.bytes === manifest.bytes) return;
  throw cannotModify(`write image ${digest}${name ? ` to ${name}` : ""}`, fixed);
}
