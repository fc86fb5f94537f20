import { type ImageReference, type ImageSource, readManifest, type SystemContext } from "../image/room.ts";
import { allOrAbort, readChunks, Semaphore } from "../internal/room.ts";
import { parseJson, StructReader } from "../json/room.ts";
import {
  type Descriptor,
  type Digest,
  type DockerListEntry,
  entriesOf,
  formatPlatform,
  isIndex,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  type ParsedImage,
  type ParsedIndex,
  readBlob,
  verifyBlob,
} from "../spec/room.ts";
import { type Kit, resolveImage } from "./kit.ts";

/** Options for {@linkcode validateImage}. */
export interface ValidateImageOptions {
  /**
   * Read and verify every byte of every blob, instead of only asking for it.
   *
   * @default {false}
   */
  full?: boolean | undefined;
  /** How to reach the image. */
  systemContext?: SystemContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/** What is wrong with an image. */
export interface ImageProblem {
  /** The instance; absent where it is the list itself. */
  readonly instance?: Digest | undefined;
  /** Its platform as the list says. */
  readonly platform?: string | undefined;
  /** What is wrong. */
  readonly problem: string;
}

/** What {@linkcode validateImage} found. */
export interface ImageValidation {
  /** Digest of the image's manifest. */
  readonly digest: Digest;
  /** How many images were looked at. */
  readonly images: number;
  /** How many different blobs were looked at. */
  readonly blobs: number;
  /** What is wrong; none where nothing is. */
  readonly problems: readonly ImageProblem[];
}

/** How many blobs are looked at together. */
const MAX_PARALLEL = 8;

/** `validateImage` of either side. */
export async function validateImageWith(
  kit: Kit,
  image: string | ImageReference,
  options: ValidateImageOptions = {},
): Promise<ImageValidation> {
  const reference = resolveImage(kit, image);
  await using source = await reference.openSource(options.systemContext);
  const { digest, manifest } = await readManifest(source, { signal: options.signal });
  const validator = new Validator(source, options);
  if (isIndex(manifest)) await validator.checkIndex(manifest, options.signal);
  else await validator.checkImage(manifest, undefined, undefined);
  return { digest, images: validator.images, blobs: validator.blobs.size, problems: validator.problems };
}

class Validator {
  readonly #source: ImageSource;
  readonly #options: ValidateImageOptions;
  readonly #slots = new Semaphore(MAX_PARALLEL);
  readonly blobs = new Map<Digest, Promise<string | undefined>>();
  readonly problems: ImageProblem[] = [];
  readonly #indexes = new Set<Digest>();
  images = 0;

  constructor(source: ImageSource, options: ValidateImageOptions) {
    this.#source = source;
    this.#options = options;
  }

  async checkIndex(index: ParsedIndex, signal: AbortSignal | undefined): Promise<void> {
    const entries = entriesOf(index);
    this.#findDoubles(entries);
    await allOrAbort(entries.map((entry) => (signal) => this.#checkInstance(entry, signal)), signal);
  }

  /** Nobody can tell which of two instances for one platform a machine will get. */
  #findDoubles(entries: readonly (Descriptor | DockerListEntry)[]): void {
    const seen = new Map<string, Digest>();
    for (const { digest, platform, ...entry } of entries) {
      const { annotations = {}, artifactType }: Partial<Descriptor> = entry;
      const name = platform ? formatPlatform(platform) : "";
      if (artifactType || name === "" || name === "unknown/unknown") continue;
      const key = JSON.stringify([name, platform?.osVersion, platform?.osFeatures, Object.entries(annotations)]);
      const other = seen.get(key);
      if (other !== undefined) {
        const problem = other === digest ? "the list has it twice" : `${other} is for the same platform`;
        this.problems.push({ instance: digest, platform: name, problem });
      }
      seen.set(key, digest);
    }
  }

  async #checkInstance(entry: Descriptor | DockerListEntry, signal: AbortSignal): Promise<void> {
    const { digest, size, mediaType, platform } = entry;
    const name = platform ? formatPlatform(platform) : "";
    const report = (problem: string) => void this.problems.push({ instance: digest, platform: name, problem });
    const read = await this.#try(() => readManifest(this.#source, { instance: digest, signal }), signal);
    if (typeof read === "string") return report(read);
    const { manifest } = read;
    if (manifest.bytes.length !== size) {
      report(`the list says that its manifest has ${size} bytes, but it has ${manifest.bytes.length}`);
    }
    if (manifest.mediaType !== mediaType) {
      report(`the list says that it is of type ${mediaType}, but it is ${manifest.mediaType}`);
    }
    if (!isIndex(manifest)) return await this.checkImage(manifest, entry, signal);
    // One that several indexes name has nothing new to tell.
    if (this.#indexes.has(digest)) return;
    this.#indexes.add(digest);
    await this.checkIndex(manifest, signal);
  }

  async checkImage(
    manifest: ParsedImage,
    entry: Descriptor | DockerListEntry | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.images++;
    const instance = entry?.digest;
    const platform = entry?.platform ? formatPlatform(entry.platform) : "";
    const report = (problem: string) => void this.problems.push({ instance, platform, problem });
    const blobs = [...manifest.layers, ...(manifest.config ? [manifest.config] : [])];
    const found = await Promise.all(
      blobs.map(async (blob) => ({ blob, problem: await this.#checkBlob(blob, instance) })),
    );
    signal?.throwIfAborted();
    if (!manifest.config && manifest.kind !== "docker-schema1") {
      report("it has no configuration, which the specification requires");
    }
    for (const { blob, problem } of found) if (problem !== undefined) report(`blob ${blob.digest}: ${problem}`);
    const actual = await this.#try(() => this.#configPlatform(manifest, instance), signal);
    const contradicts = typeof actual === "object" && platform !== "" &&
      [actual.os, actual.architecture].join("/") !== [entry!.platform!.os, entry!.platform!.architecture].join("/");
    if (contradicts) report(`its configuration says that it is for ${formatPlatform(actual)}`);
  }

  /** The platform of an image's configuration; `undefined` where it has none, as artifacts. */
  async #configPlatform(manifest: ParsedImage, instance: Digest | undefined) {
    const { config } = manifest;
    const isImage = config?.mediaType === MEDIA_TYPES.ociConfig || config?.mediaType === MEDIA_TYPES.dockerConfig;
    if (!config || !isImage || manifest.artifactType) return undefined;
    const stream = await this.#source.getBlob(config, { instance, signal: this.#options.signal });
    const { value } = parseJson(await readBlob(stream, config, MAX_CONFIG_SIZE, this.#options.signal), "configuration");
    const from = new StructReader(value, "image configuration");
    return { os: from.string("os") ?? "", architecture: from.string("architecture") ?? "" };
  }

  /** What is wrong with a blob; each is looked at once. */
  #checkBlob(blob: Descriptor, instance: Digest | undefined): Promise<string | undefined> {
    let check = this.blobs.get(blob.digest);
    if (!check) {
      const { signal } = this.#options;
      check = this.#slots.run(async () => {
        const result = await this.#try(() => this.#readBlob(blob, instance), signal);
        return typeof result === "string" ? result : undefined;
      }, signal);
      this.blobs.set(blob.digest, check);
    }
    return check;
  }

  async #readBlob(blob: Descriptor, instance: Digest | undefined): Promise<void> {
    const { full, signal } = this.#options;
    const stream = await this.#source.getBlob(blob, { instance, signal });
    if (!full) return await stream.cancel();
    // Its digest and its size are verified at its end.
    for await (const _ of readChunks(verifyBlob(stream, blob, { signal })));
  }

  /** What somebody returned, or why they could not. */
  async #try<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | string> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      return error instanceof Error ? error.message : String(error);
    }
  }
}
