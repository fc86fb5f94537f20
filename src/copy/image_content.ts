import type { ImageSource } from "../image/room.ts";
import { decompressStream, peekCompression } from "../internal/compression/room.ts";
import { OncePerKey, readChunks, type Semaphore } from "../internal/room.ts";
import { isObject, parseJson } from "../json/room.ts";
import {
  createDigester,
  type Digest,
  DigestMismatchError,
  isDigest,
  isImageConfigType,
  ManifestsError,
  MAX_CONFIG_SIZE,
  readBlob,
  schema1EmptyLayers,
  verifyBlob,
} from "../spec/room.ts";
import type { BlobInfoCache } from "./blob_info_cache.ts";
import type { MovedBlob } from "./move_blob.ts";
import type { PlannedBlob, PlannedImage } from "./plan_types.ts";

/** Dependencies of {@linkcode ImageContent}. */
export interface ContentOptions {
  /** The source of the image. */
  readonly source: ImageSource;
  /** Facts about blobs from earlier copies. */
  readonly cache: BlobInfoCache;
  /** Limits how many blobs are read concurrently. */
  readonly slots: Semaphore;
  /** Runs a step and retries it after temporary failures. */
  readonly retry: <T>(step: string, work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/** Content of an image that conversions and checks need in addition to its manifest; each part is read on first use. */
export class ImageContent {
  readonly #image: PlannedImage;
  readonly #options: ContentOptions;
  readonly #once = new OncePerKey<"config", Uint8Array<ArrayBuffer>>();

  constructor(image: PlannedImage, options: ContentOptions) {
    this.#image = image;
    this.#options = options;
  }

  /**
   * Reads and verifies the configuration of the image.
   *
   * @throws {ManifestsError} With code `CONVERSION_NOT_SUPPORTED` if the image has none.
   */
  async config(signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { manifest: { config }, place, digest } = this.#image;
    if (!config) {
      throw new ManifestsError("CONVERSION_NOT_SUPPORTED", `Cannot convert image ${digest}: it has no configuration`);
    }
    const { source, retry } = this.#options;
    const read = async (signal: AbortSignal) => {
      const stream = await source.getBlob(config, { ...place, signal, maxRetries: 0 });
      return await readBlob(stream, config, MAX_CONFIG_SIZE, signal);
    };
    const step = `reading configuration ${config.digest}`;
    return await this.#once.get("config", (signal) => retry(step, () => read(signal), signal), signal);
  }

  /** Returns the digests of the uncompressed layers; `undefined` for the empty layers of schema 1. */
  async diffIds(moved: readonly MovedBlob[], signal: AbortSignal): Promise<(Digest | undefined)[]> {
    const empty = schema1EmptyLayers(this.#image.manifest);
    const digests: (Digest | undefined)[] = [];
    for (const [i, layer] of this.#image.layers.entries()) {
      digests.push(empty[i] ? undefined : moved[i]?.diffId ?? await this.#findDiffId(layer, signal));
    }
    return digests;
  }

  async #findDiffId(layer: PlannedBlob, signal: AbortSignal): Promise<Digest> {
    const { cache, retry } = this.#options;
    const { digest } = layer.descriptor;
    // Without an entry in the cache, the layer must be read and decompressed.
    const known = cache.findUncompressed(digest);
    if (known) return known;
    const computed = await retry(`reading layer ${digest}`, () => this.#computeDiffId(layer, signal), signal);
    cache.recordUncompressed(digest, computed);
    return computed;
  }

  async #computeDiffId({ descriptor, place }: PlannedBlob, signal: AbortSignal): Promise<Digest> {
    const { source, slots } = this.#options;
    using _slot = await slots.acquire(signal);
    const blob = await source.getBlob(descriptor, { ...place, signal, maxRetries: 0 });
    const { compression, stream } = await peekCompression(verifyBlob(blob, descriptor, { signal }));
    const digester = createDigester();
    const content = compression ? decompressStream(stream, compression) : stream;
    for await (const chunk of readChunks(content, { reuses: true })) {
      digester.update(chunk);
    }
    return digester.digest();
  }

  /**
   * Compares the digests of uncompressed layers that were computed while moving them with those of the configuration.
   *
   * @throws {DigestMismatchError} If a layer has another content than the configuration specifies.
   */
  async verifyDiffIds(moved: readonly MovedBlob[], signal: AbortSignal): Promise<void> {
    const { manifest: { config }, digest } = this.#image;
    if (!isImageConfigType(config?.mediaType) || moved.every(({ diffId }) => diffId === undefined)) return;
    const expected = readDiffIds(await this.config(signal), `configuration ${config!.digest} of image ${digest}`);
    for (const [i, { diffId }] of moved.entries()) {
      const claimed = expected[i] ?? "";
      if (diffId === undefined || diffId === claimed || !isDigest(claimed)) continue;
      throw new DigestMismatchError(`layer ${i + 1} of image ${digest} after decompression`, claimed, diffId);
    }
  }
}

/** Returns `rootfs.diff_ids` of a configuration; empty if it has none. */
function readDiffIds(config: Uint8Array, what: string): string[] {
  const { value } = parseJson(config, what);
  const rootfs = isObject(value) ? value.rootfs : undefined;
  const ids = isObject(rootfs) ? rootfs.diff_ids : undefined;
  return Array.isArray(ids) && ids.every((id) => typeof id === "string") ? ids : [];
}
