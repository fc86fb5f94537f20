import type { BlobIdentity, ImageDestination, ImageSource, NewBlob, SignedManifest } from "../image/mod.ts";
import type { Signature } from "../signature/mod.ts";
import { allOrAbort, OncePerKey, Semaphore, streamOf } from "../internal/mod.ts";
import {
  convertToOciManifest,
  type Digest,
  digestOf,
  EMPTY_GZIP_LAYER,
  isForeignLayer,
  isSchema1MediaType,
  manifestDigest,
  MEDIA_TYPES,
  type NamedReference,
  type ParsedImage,
  type Platform,
} from "../spec/mod.ts";
import type { BlobInfoCache } from "./blob_info_cache.ts";
import { buildManifest } from "./build_manifest.ts";
import { createRecoder, type Recoder } from "./recoding/mod.ts";
import { convertIndex, editIndex, type WrittenInstance } from "./edit_index.ts";
import type { CopyEvent } from "./events.ts";
import { cannotModify } from "./formats.ts";
import { declaredForm, fits, recodingFor } from "./layer_policy.ts";
import { ImageContent } from "./image_content.ts";
import { moveBlob, type MovedBlob } from "./move_blob.ts";
import type { CopyPlan, PlannedBlob, PlannedImage, PlannedIndex } from "./plan.ts";
import { type Signing, signManifest, storeSignatures } from "./sign.ts";
import { isRejectedType, isTransientForBlob, isTransientForManifest, retry, type RetryOptions } from "./retry.ts";

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
  readonly platformOfNone: Platform;
  /** How failed steps are tried again. */
  readonly retry: Omit<RetryOptions, "signal">;
  /** Told what happens. */
  readonly emit: (event: CopyEvent) => void;
  /** The digest that the destination must have before, `null`: nothing. */
  readonly ifMatch: Digest | null | undefined;
  /** How what is written is signed; `undefined`: nobody signs. */
  readonly signing: Signing | undefined;
  /** Called when an image's turn begins, in the order of the plan. */
  readonly onImage: (image: PlannedImage, position: number) => void;
  /** Ends the copy. */
  readonly signal: AbortSignal | undefined;
}

/** What {@linkcode runPlan} wrote. */
export interface RunResult {
  /** The manifest that the destination's name means now. */
  readonly top: BlobIdentity & { readonly mediaType: string };
  /** What was written for each image of the plan, in its order. */
  readonly written: readonly WrittenInstance[];
}

/**
 * Carries a plan out: all images together, each blob once, an image's manifest after its blobs, the index after
 * everything.
 */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  const { plan, destination } = options;
  using recoder = createRecoder();
  const run = new Run(options, recoder);
  const written = await allOrAbort(
    plan.images.map((image, i) => (signal) => {
      options.onImage(image, i + 1);
      return run.copyImage(image, signal);
    }),
    options.signal,
  );
  const signal = options.signal ?? new AbortController().signal;
  const top = plan.index ? await run.writeIndex(plan.index, written, signal) : written[0]!;
  await destination.commit({ signal });
  return { top, written };
}

class Run {
  readonly #options: RunOptions;
  readonly #recoder: Recoder;
  readonly #slots: Semaphore;
  readonly #moved = new OncePerKey<string, MovedBlob>();

  constructor(options: RunOptions, recoder: Recoder) {
    this.#options = options;
    this.#recoder = recoder;
    const parallel = options.destination.abilities.parallelBlobs ?? true;
    this.#slots = new Semaphore(parallel ? options.maxParallelTransfers : 1);
  }

  async copyImage(image: PlannedImage, signal: AbortSignal): Promise<WrittenInstance> {
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
    const { manifest, identity } = await this.#writeManifest(image, layers, content, signal);
    this.#options.emit({
      type: "manifest-done",
      digest: identity.digest,
      source: image.digest,
      top: !plan.index,
    });
    return {
      source: image.digest,
      besides: image.variant?.entries,
      ...identity,
      mediaType: manifest.mediaType,
      zstd: manifest.layers.some(({ mediaType }) => mediaType.endsWith("zstd")),
    };
  }

  /** Writes an image's manifest in the best type that the destination takes. */
  async #writeManifest(image: PlannedImage, layers: readonly MovedBlob[], content: ImageContent, signal: AbortSignal) {
    const { destination, plan, signing, emit } = this.#options;
    const name = destination.reference.dockerReference;
    return await this.#firstAccepted(image.types, async (type) => {
      const built = await buildManifest(image, type, {
        layers,
        name,
        readConfig: () => content.config(signal),
        readDiffIds: () => content.diffIds(layers, signal),
      });
      refuseChange(image, built.image, name);
      await this.#putConfig(image, built.image, built.config, signal);
      const { bytes, mediaType } = built.image;
      const digest = manifestDigest(bytes);
      const instance = plan.index ? digest : undefined;
      // Before the manifest is there: a key that does not work leaves nothing unsigned behind.
      const signatures = await signManifest(bytes, image.signatures, { signing, emit, signal, slots: this.#slots });
      const ifMatch = plan.index ? undefined : this.#options.ifMatch;
      const put = () => destination.putManifest(bytes, mediaType, { instance, ifMatch, signal, maxRetries: 0 });
      await this.#retry(`writing manifest ${image.digest}`, put, signal, isTransientForManifest);
      await this.#storeSignatures(signatures, { digest, isInstance: instance !== undefined }, signal);
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
        await destination.putBlob({ role, mediaType, ...identity, measured: () => identity }, streamOf(bytes), call);
      },
      signal,
      isTransientForBlob,
    );
  }

  async writeIndex(index: PlannedIndex, written: readonly WrittenInstance[], signal: AbortSignal) {
    const { destination, emit, plan, platformOfNone, signing } = this.#options;
    // A sparse index is meant to name what is not there: then the registry's answer is final.
    const whole = new Set(plan.images.map(({ digest }) => digest)).size === plan.entries;
    return await this.#firstAccepted(index.types, async (type) => {
      const edited = editIndex(convertIndex(index.manifest, type, platformOfNone), written);
      if (edited !== index.manifest && index.fixed) throw cannotModify("edit the manifest list", index.fixed);
      const { bytes, mediaType } = edited;
      const signatures = await signManifest(bytes, index.signatures, { signing, emit, signal, slots: this.#slots });
      const { ifMatch } = this.#options;
      const put = () => destination.putManifest(bytes, mediaType, { ifMatch, signal, maxRetries: 0 });
      await this.#retry("writing manifest list", put, signal, whole ? isTransientForManifest : undefined);
      const digest = digestOf(bytes);
      await this.#storeSignatures(signatures, { digest, isInstance: false }, signal);
      emit({ type: "manifest-done", digest, top: true });
      return { digest, size: bytes.length, mediaType };
    });
  }

  async #storeSignatures(
    signatures: readonly Signature[],
    manifest: SignedManifest,
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

  async #moveOnce(blob: PlannedBlob, signal: AbortSignal): Promise<MovedBlob> {
    const { source, destination, cache, emit } = this.#options;
    const { digest, size } = blob.descriptor;
    const own = {
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

/** Whether an image keeps its configuration when it is written in a type: schema 1 has none, and OCI's is not Docker's. */
function keepsConfig({ manifest }: PlannedImage, type: string): boolean {
  if (isSchema1MediaType(type)) return false;
  return manifest.mediaType === type || manifest.kind === "oci-image";
}

/** Layers of equal digest of which different things become are different work. */
function keyOf({ descriptor, role, policy }: PlannedBlob): string {
  const form = declaredForm(descriptor);
  const wanted = role === "config" || !form ? policy : [recodingFor(policy, form), fits(policy, form)];
  // One that may stay at its URLs is not the same work as one that must be brought.
  return JSON.stringify([descriptor.digest, role, isForeignLayer(descriptor), wanted]);
}

/** The last guard of what must not change; whatever leads there should have been refused before. */
function refuseChange({ digest, fixed, manifest }: PlannedImage, built: ParsedImage, name?: NamedReference): void {
  if (fixed === undefined || built.bytes === manifest.bytes) return;
  throw cannotModify(`write image ${digest}${name ? ` to ${name}` : ""}`, fixed);
}
