import type { ImageDestination, ImageSource, NewBlob, StoredManifest } from "../image/room.ts";
import type { Signature } from "../signature/room.ts";
import { allOrAbort, OncePerKey, Semaphore, toStream } from "../internal/room.ts";
import {
  convertToOciManifest,
  type Digest,
  digestAlgorithm,
  digestOf,
  EMPTY_GZIP_LAYER,
  isChangeableLayer,
  isForeignLayer,
  isSchema1MediaType,
  manifestDigest,
  MEDIA_TYPES,
  type NamedReference,
  type ParsedImage,
  type ParsedManifest,
  type Platform,
} from "../spec/room.ts";
import type { BlobInfoCache } from "./blob_info_cache.ts";
import { buildManifest } from "./build_manifest.ts";
import { createRecoder, type Recoder } from "./recoding/mod.ts";
import { convertIndex, editIndex, type WrittenManifest } from "./edit_index.ts";
import type { CopyEvent } from "./events.ts";
import { cannotModify } from "./formats.ts";
import { chooseRecoding, getDeclaredForm, satisfiesPolicy } from "./layer_policy.ts";
import { ImageContent } from "./image_content.ts";
import { moveBlob, type MovedBlob } from "./move_blob.ts";
import type { CopyPlan, PlannedBlob, PlannedImage, PlannedIndex, PlannedNode } from "./plan_types.ts";
import { type Signing, signManifest, storeSignatures } from "./sign.ts";
import {
  isRejectedType,
  isTransientForBlob,
  isTransientForManifest,
  missesContent,
  retry,
  type RetryOptions,
} from "./retry.ts";

/** What {@linkcode runPlan} needs. */
export interface RunOptions {
  /** What to do. */
  readonly plan: CopyPlan;
  /** Where to read. */
  readonly source: ImageSource;
  /** Where to write. */
  readonly destination: ImageDestination;
  /** What earlier copies have learnt. */
  readonly cache: BlobInfoCache;
  /** How many blobs are moved at once. */
  readonly maxParallelTransfers: number;
  /** What an instance without a platform gets in a Docker list. */
  readonly defaultPlatform: Platform;
  /** How failed steps are tried again. */
  readonly retry: Omit<RetryOptions, "signal">;
  /** Told what happens. */
  readonly emit: (event: CopyEvent) => void;
  /** The digest that the destination must have before, `null`: nothing. */
  readonly ifMatch: Digest | null | undefined;
  /** Whether to look for each manifest before it is written, and not to write one that is there. */
  readonly skipExisting: boolean;
  /** How what is written is signed; `undefined`: nobody signs. */
  readonly signing: Signing | undefined;
  /** Called when an image's turn begins, in the order of the plan. */
  readonly onImage: (image: PlannedImage) => void;
  /** Called before the manifest of an image is written, after its blobs. */
  readonly onManifest: () => void;
  /** Ends the copy. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Carries a plan out: all images together, each blob once, an image's manifest after its blobs, an index after
 * everything that it names, and what the destination's name means last, also after what is about it.
 *
 * @returns What was written for each node of the plan, and whether the destination's name meant that before.
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
  readonly #recoder: Recoder;
  readonly #slots: Semaphore;
  readonly #moved = new OncePerKey<string, MovedBlob>();
  readonly #walked = new Set<PlannedNode>();
  /** What has been written, for each node of the plan. */
  readonly written = new Map<PlannedNode, WrittenManifest>();
  /** Whether the destination's name meant before what it means now. */
  unchanged = false;

  constructor(options: RunOptions, recoder: Recoder) {
    this.#options = options;
    this.#recoder = recoder;
    const parallel = options.destination.abilities.parallelBlobs ?? true;
    this.#slots = new Semaphore(parallel ? options.maxParallelTransfers : 1);
  }

  async copyImage(image: PlannedImage, signal: AbortSignal): Promise<void> {
    const { source, cache, plan } = this.#options;
    const content = new ImageContent(image, {
      source,
      cache,
      slots: this.#slots,
      retry: (step, work, signal) => this.#retry(step, work, signal, isTransientForBlob),
    });
    // The first type is the one that will be taken, unless the destination is not what it says.
    const config = image.config && keepsConfig(image, image.types[0]!) ? [image.config] : [];
    // What a conversion cannot read should not be found out after the layers were moved.
    if (image.manifest.kind === "docker-image" && image.types[0] === MEDIA_TYPES.ociManifest) {
      convertToOciManifest(image.manifest, await content.config(signal));
    }
    const moved = await allOrAbort(
      [...image.layers, ...config].map((blob) => (signal) => this.#move(blob, signal)),
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

  /** Writes an image's manifest in the best type that the destination takes. */
  async #writeManifest(image: PlannedImage, layers: readonly MovedBlob[], content: ImageContent, signal: AbortSignal) {
    const name = this.#options.destination.reference.dockerReference;
    return await this.#firstAccepted(image.types, async (type) => {
      const built = await buildManifest(image, type, {
        layers,
        name,
        readConfig: () => content.config(signal),
        readDiffIds: () => content.diffIds(layers, signal),
      });
      assertChange(image, built.image, name);
      await this.#putConfig(image, built.image, built.config, signal);
      const { bytes } = built.image;
      const step = `writing manifest ${image.digest}`;
      const digest = await this.#putManifest(image, built.image, {
        step,
        isTransient: isTransientForManifest,
        restore: () => this.#restoreBlobs(image, signal),
        signal,
      });
      return { manifest: built.image, identity: { digest, size: bytes.length } };
    });
  }

  /** The configuration that belongs to a manifest, where it is not there yet; for schema 1, the layer of nothing. */
  async #putConfig(
    image: PlannedImage,
    manifest: ParsedImage,
    config: Uint8Array<ArrayBuffer> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (config) return await this.#putBytes("config", manifest.config!.mediaType, config, signal);
    if (image.config && keepsConfig(image, manifest.mediaType)) return void await this.#move(image.config, signal);
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

  /** Writes the indexes of a tree, from the innermost on. */
  async writeIndexes(node: PlannedNode, signal: AbortSignal): Promise<void> {
    if (this.#walked.has(node)) return;
    this.#walked.add(node);
    for (const referrer of node.referrers) await this.writeIndexes(referrer, signal);
    if (node.kind === "image") return;
    for (const { node: member } of node.members) await this.writeIndexes(member, signal);
    await this.#writeIndex(node, signal);
  }

  async #writeIndex(index: PlannedIndex, signal: AbortSignal): Promise<void> {
    const { emit, plan, defaultPlatform } = this.#options;
    const members = index.members.map(({ node, variantEntries }) => ({ ...this.written.get(node)!, variantEntries }));
    await this.#firstAccepted(index.types, async (type) => {
      const converted = convertIndex(index.manifest, type, defaultPlatform);
      const edited = editIndex(converted, members, { fixed: index.fixed !== undefined });
      if (edited !== index.manifest && index.fixed) throw cannotModify("edit the manifest list", index.fixed);
      const { bytes, mediaType } = edited;
      // A sparse index is meant to name what is not there: then the registry's answer is final.
      const isTransient = index.whole ? isTransientForManifest : undefined;
      const digest = await this.#putManifest(index, edited, { step: "writing manifest list", isTransient, signal });
      this.written.set(index, { source: index.digest, digest, size: bytes.length, mediaType, zstd: false });
      emit({ type: "manifest-done", digest, top: index === plan.top });
    });
  }

  /** Signs a manifest, writes it and keeps its signatures: a key that does not work leaves nothing unsigned behind. */
  async #putManifest(
    node: PlannedNode,
    { bytes, mediaType }: Pick<ParsedManifest, "bytes" | "mediaType">,
    { step, isTransient, restore, signal }: Pick<RetryOptions, "isTransient" | "signal"> & {
      step: string;
      /** Brings what the registry said that it has not, before the manifest is written again. */
      restore?: () => Promise<void>;
    },
  ): Promise<Digest> {
    const { destination, emit, plan, signing, ifMatch, skipExisting } = this.#options;
    const digest = nameFor(node, bytes);
    const signatures = await signManifest({ bytes, digest }, node.signatures, {
      signing: node.isReferrer ? undefined : signing,
      emit,
      signal,
      slots: this.#slots,
    });
    const isTop = node === plan.top;
    const own = isTop ? { instance: undefined, ifMatch } : { instance: digest, ifMatch: undefined };
    let repeated = false;
    let misses = false;
    const put = async () => {
      const call = { signal, maxRetries: 0, digest };
      if (misses) await restore?.();
      // What an earlier attempt has written is not unchanged.
      const looks = skipExisting && !repeated && own.ifMatch === undefined;
      if (looks && await destination.findManifest?.({ ...call, instance: own.instance }) === digest) return true;
      const done = destination.putManifest(bytes, mediaType, { ...call, ...own, repeated });
      repeated = true;
      try {
        return (await done)?.unchanged ?? false;
      } catch (error) {
        misses = missesContent(error);
        throw error;
      }
    };
    const unchanged = await this.#retry(step, put, signal, isTransient);
    if (isTop) this.unchanged = unchanged;
    await this.#storeSignatures(
      signatures,
      { digest, mediaType, size: bytes.length, isInstance: node !== plan.top },
      signal,
    );
    return digest;
  }

  async #storeSignatures(
    signatures: readonly Signature[],
    manifest: StoredManifest,
    signal: AbortSignal,
  ): Promise<void> {
    const store = () => storeSignatures(this.#options.destination, signatures, manifest, signal);
    await this.#retry(`writing signatures of ${manifest.digest}`, store, signal);
  }

  /**
   * Tries types until one is accepted. Only a refusal of the type leads to the next one: after any other failure it would
   * lose what only the better type can say.
   */
  async #firstAccepted<T>(types: readonly string[], write: (type: string) => Promise<T>): Promise<T> {
    let refusal: { error: unknown } | undefined;
    for (const type of types) {
      try {
        return await write(type);
      } catch (error) {
        // What the next type cannot express says less than why the first one was refused.
        if (!isRejectedType(error)) throw refusal ? refusal.error : error;
        refusal ??= { error };
      }
    }
    throw refusal!.error;
  }

  /** Moves a blob, once for all images that have it and want the same of it. */
  async #move(blob: PlannedBlob, signal: AbortSignal): Promise<MovedBlob> {
    return await this.#moved.get(keyOf(blob), () => this.#moveOnce(blob, signal));
  }

  /** Moves the blobs that a registry claimed to have, or to have mounted, and has not. */
  async #restoreBlobs({ layers, config }: PlannedImage, signal: AbortSignal): Promise<void> {
    const { destination } = this.#options;
    const restore = async (blob: PlannedBlob, signal: AbortSignal) => {
      const key = keyOf(blob);
      const { digest, mediaType } = blob.descriptor;
      const moved = await this.#moved.peek(key);
      if (moved?.digest !== digest || (moved.outcome !== "mounted" && moved.outcome !== "reused")) return;
      const found = await destination.findBlob({ mediaType, digest, size: moved.size }, { signal, maxRetries: 0 });
      if (found !== undefined) return;
      this.#moved.forget(key);
      await this.#moved.get(key, () => this.#moveOnce(blob, signal, false));
    };
    await allOrAbort([...layers, ...config ? [config] : []].map((blob) => (signal) => restore(blob, signal)), signal);
  }

  async #moveOnce(blob: PlannedBlob, signal: AbortSignal, reuses = true): Promise<MovedBlob> {
    const { source, destination, cache, emit } = this.#options;
    const { digest, size } = blob.descriptor;
    const own = {
      reuses,
      source,
      destination,
      cache,
      emit,
      signal,
      slots: this.#slots,
      recoder: this.#recoder,
      // Who signs means the bytes of the source, not what an earlier copy took for the same.
      substitutes: this.#options.signing === undefined,
    };
    const move = () => moveBlob(blob, own);
    const moved = await this.#retry(`copying blob ${digest}`, move, signal, isTransientForBlob);
    emit({ type: "blob-done", digest, size, outcome: moved.outcome, destination: moved.digest });
    return moved;
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

/** The digest by which a manifest is written: a manifest that did not change keeps the algorithm of its name. */
function nameFor({ digest }: PlannedNode, bytes: Uint8Array): Digest {
  return manifestDigest(bytes, digestAlgorithm(digest)) === digest ? digest : manifestDigest(bytes);
}

/** Whether an image keeps its configuration when it is written in a type: schema 1 has none, and OCI's is not Docker's. */
function keepsConfig({ manifest }: PlannedImage, type: string): boolean {
  if (isSchema1MediaType(type)) return false;
  return manifest.mediaType === type || manifest.kind === "oci-image";
}

/**
 * Whether an image has layers that are compressed with zstd. Layers that stay at their own URLs do not count, nor do the
 * contents of artifacts, as in Go (copy/single.go `copyLayers`).
 */
function hasZstd(manifest: ParsedImage, moved: readonly MovedBlob[]): boolean {
  const byDigest = new Map(moved.map((blob) => [blob.digest, blob]));
  return manifest.layers.some((layer) => {
    const blob = byDigest.get(layer.digest);
    const form = blob?.form ?? getDeclaredForm(layer);
    return isChangeableLayer(manifest, layer) && blob?.outcome !== "kept" &&
      (form === "zstd" || form === "zstd:chunked");
  });
}

/** Layers of equal digest of which different things become are different work. */
function keyOf({ descriptor, role, policy }: PlannedBlob): string {
  const form = getDeclaredForm(descriptor);
  const wanted = role === "config" || !form ? policy : [chooseRecoding(policy, form), satisfiesPolicy(policy, form)];
  // One that may stay at its URLs is not the same work as one that must be brought.
  return JSON.stringify([descriptor.digest, role, isForeignLayer(descriptor), wanted]);
}

/** The last guard of what must not change; whatever leads there should have been refused before. */
function assertChange({ digest, fixed, manifest }: PlannedImage, built: ParsedImage, name?: NamedReference): void {
  if (fixed === undefined || built.bytes === manifest.bytes) return;
  throw cannotModify(`write image ${digest}${name ? ` to ${name}` : ""}`, fixed);
}
