import {
  type ImageReference,
  type ImageSource,
  type InstancePlace,
  readImageConfig,
  readManifest,
  type SystemContext,
} from "../image/room.ts";
import { allOrAbort, OncePerKey } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  type DockerListEntry,
  formatPlatform,
  getEntries,
  hasImageConfig,
  type ImageConfig,
  isIndex,
  type ParsedImage,
  type ParsedIndex,
} from "../spec/room.ts";
import { BlobChecker } from "./check_blobs.ts";
import { findDocumentProblems } from "./document_problems.ts";
import { findContradictions } from "./platform_contradictions.ts";
import { resolveSource } from "./resolve_source.ts";
import type { Runtime } from "./runtime.ts";

/** Options for {@linkcode validateImage}. */
export interface ValidateImageOptions {
  /**
   * Read and verify every byte of every blob, instead of only asking for it.
   *
   * @default {false}
   */
  full?: boolean | undefined;
  /** Access to the image: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call, which then rejects with the signal's reason. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/** A problem of an image or a list. */
export interface ImageProblem {
  /** Digest of the instance; absent if it is a problem of the list itself. */
  readonly instance?: Digest | undefined;
  /**
   * Platform of the instance in the list, as in `linux/arm64/v8`. `undefined`: the problem is in the list itself, or the
   * instance has none.
   */
  readonly platform?: string | undefined;
  /** Description of the problem, as one clause. */
  readonly problem: string;
}

/** The result of {@linkcode validateImage}. */
export interface ImageValidation {
  /** Digest of the image's manifest. */
  readonly digest: Digest;
  /** Number of images that were checked. */
  readonly images: number;
  /** Number of different blobs that were checked. */
  readonly blobs: number;
  /** The problems that were found; empty if there are none. */
  readonly problems: readonly ImageProblem[];
  /** Layers that could not be checked, and why: they are stored at URLs of their own, which cannot be reached. */
  readonly unchecked: readonly ImageProblem[];
}

/** Validates an image or a list with the given runtime; see `validateImage`. */
export async function validateImageWith(
  runtime: Runtime,
  image: string | ImageReference,
  options: ValidateImageOptions = {},
): Promise<ImageValidation> {
  const reference = resolveSource(runtime, image);
  await using source = await reference.openSource(options.systemContext);
  const { digest, manifest } = await readManifest(source, { signal: options.signal });
  const validator = new Validator(source, options);
  if (isIndex(manifest)) await validator.checkIndex(manifest, undefined, options.signal);
  else await validator.checkImage(manifest, undefined, undefined);
  const { images, blobs, problems, unchecked } = validator;
  return { digest, images, blobs: blobs.size, problems, unchecked };
}

type Entry = Descriptor | DockerListEntry;
type Report = (problem: string) => void;

class Validator {
  readonly #source: ImageSource;
  readonly #options: ValidateImageOptions;
  readonly #checker: BlobChecker;
  readonly #configs = new OncePerKey<Digest, ImageConfig>();
  readonly blobs = new Set<Digest>();
  readonly problems: ImageProblem[] = [];
  readonly unchecked: ImageProblem[] = [];
  readonly #indexes = new Set<Digest>();
  images = 0;

  constructor(source: ImageSource, options: ValidateImageOptions) {
    this.#source = source;
    this.#options = options;
    this.#checker = new BlobChecker(source, options);
  }

  async checkIndex(index: ParsedIndex, parent: Entry | undefined, signal: AbortSignal | undefined): Promise<void> {
    const entries = getEntries(index);
    for (const { entry, problem } of findDocumentProblems(index)) this.#createReport(entry ?? parent)(problem);
    this.#findDoubles(entries);
    await allOrAbort(entries.map((entry) => (signal) => this.#checkInstance(entry, signal)), signal);
  }

  #createReport(entry: Entry | undefined, to: ImageProblem[] = this.problems): Report {
    const platform = formatPlatform(entry?.platform);
    return (problem) => void to.push({ instance: entry?.digest, platform, problem });
  }

  /** Reports platforms with several instances: a machine could get any of them. */
  #findDoubles(entries: readonly Entry[]): void {
    const seen = new Map<string, Digest>();
    for (const entry of entries) {
      const { digest, platform, ...rest } = entry;
      const { annotations = {}, artifactType }: Partial<Descriptor> = rest;
      const name = formatPlatform(platform);
      if (artifactType || name === "" || name === "unknown/unknown") continue;
      const key = JSON.stringify([name, platform?.osVersion, platform?.osFeatures, Object.entries(annotations)]);
      const other = seen.get(key);
      if (other !== undefined) {
        this.#createReport(entry)(other === digest ? "the list has it twice" : `${other} is for the same platform`);
      }
      seen.set(key, digest);
    }
  }

  async #checkInstance(entry: Entry, signal: AbortSignal): Promise<void> {
    const { digest, size, mediaType } = entry;
    const report = this.#createReport(entry);
    const read = await this.#try(() => readManifest(this.#source, { instance: digest, signal }), signal);
    if (typeof read === "string") return report(read);
    const { manifest } = read;
    if (manifest.bytes.length !== size) {
      report(`the list states a size of ${size} bytes, but the manifest has ${manifest.bytes.length}`);
    }
    if (mediaType !== "" && manifest.mediaType !== mediaType) {
      report(`the list states the media type ${mediaType}, but the manifest has ${manifest.mediaType}`);
    }
    if (!isIndex(manifest)) return await this.checkImage(manifest, entry, signal);
    // An instance that several indexes name is checked once.
    if (this.#indexes.has(digest)) return;
    this.#indexes.add(digest);
    await this.checkIndex(manifest, entry, signal);
  }

  async checkImage(manifest: ParsedImage, entry: Entry | undefined, signal: AbortSignal | undefined): Promise<void> {
    this.images++;
    const place = { instance: entry?.digest };
    const report = this.#createReport(entry);
    for (const { problem } of findDocumentProblems(manifest)) report(problem);
    const given = await this.#try(async () => await this.#source.layersForCopy?.(manifest, place), signal);
    if (typeof given === "string") return report(given);
    const layers = given ?? manifest.layers;
    const isImage = hasImageConfig(manifest);
    const diffIds = await this.#checkLayers(layers, isImage, entry);
    signal?.throwIfAborted();
    if (isImage) await this.#checkConfig(manifest, diffIds, entry);
    else if (manifest.config) await this.#checkBlob(manifest.config, `blob ${manifest.config.digest}`, entry);
  }

  /** Checks layers; returns the digests of their content without compression, as far as they were computed. */
  async #checkLayers(
    layers: readonly Descriptor[],
    areUnpacked: boolean,
    entry: Entry | undefined,
  ): Promise<(Digest | undefined)[]> {
    return await Promise.all(
      layers.map((layer) => this.#checkBlob(layer, `blob ${layer.digest}`, entry, areUnpacked)),
    );
  }

  async #checkBlob(blob: Descriptor, what: string, entry: Entry | undefined, isUnpacked = false) {
    this.blobs.add(blob.digest);
    const place: InstancePlace = { instance: entry?.digest };
    const { problem, unchecked, diffId } = await this.#checker.check(blob, place, isUnpacked);
    if (problem !== undefined) this.#createReport(entry)(`${what}: ${problem}`);
    if (unchecked !== undefined) this.#createReport(entry, this.unchecked)(`${what}: ${unchecked}`);
    return diffId;
  }

  /** Compares an image's configuration with its entry and with its layers. */
  async #checkConfig(
    { config, layers }: ParsedImage,
    diffIds: readonly (Digest | undefined)[],
    entry: Entry | undefined,
  ): Promise<void> {
    const { signal } = this.#options;
    const report = this.#createReport(entry);
    this.blobs.add(config!.digest);
    const read = () => readImageConfig(this.#source, config!, { instance: entry?.digest, signal });
    const found = await this.#try(() => this.#configs.get(config!.digest, read), signal);
    if (typeof found === "string") return report(`blob ${config!.digest}: ${found}`);
    for (const problem of findContradictions(found.platform, entry?.platform)) report(problem);
    if (found.diffIds.length !== layers.length) {
      return report(`its configuration names ${found.diffIds.length} layers, but it has ${layers.length}`);
    }
    for (const [i, diffId] of diffIds.entries()) {
      if (diffId === undefined || diffId === found.diffIds[i]) continue;
      report(`layer ${i + 1} has the content ${diffId}, but its configuration says ${found.diffIds[i]}`);
    }
  }

  /** Returns the result of a read, or the reason why it failed. */
  async #try<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | string> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      return error instanceof Error ? error.message : String(error);
    }
  }
}
