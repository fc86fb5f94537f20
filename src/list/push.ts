import type { CopyEvent, CopyOptions, CopyResult } from "../copy/mod.ts";
import type { ImageReference, SystemContext } from "../image/mod.ts";
import { type Digest, parseDigest, type Platform } from "../spec/mod.ts";
import type { ImageStore } from "../store/mod.ts";
import type { ListHost } from "./host.ts";
import type { ImageListSelection } from "./reference.ts";

/** Replaces the reference that is read from. Go: `LookupReferenceFunc`. */
export type LookupReferenceFunc = (reference: ImageReference) => ImageReference | Promise<ImageReference>;

/** Options for {@linkcode List.push}. */
export interface PushOptions {
  /** The store that holds the list; default: the list is pushed as it is in memory. */
  store?: ImageStore | undefined;
  /** How to reach the registries. */
  systemContext?: SystemContext | undefined;
  /**
   * Which instances are copied. `specific` writes an index that also names those that were not copied; `system` writes
   * the one image for the platform, without an index.
   *
   * @default {"all"}
   */
  imageListSelection?: ImageListSelection | undefined;
  /** The instances of `specific`. */
  instances?: readonly string[] | undefined;
  /**
   * Media type of the manifests to write, OCI's or Docker's; that of a list stands for its instances, that of an image
   * for the list that belongs to it. Default: manifests stay as they are, where the destination takes them so.
   */
  manifestType?: string | undefined;
  /**
   * Compressions in which every platform shall be offered: `gzip`, `zstd`, `zstd:chunked`. Variants that a platform
   * lacks are made and added; in an OCI index, those with zstd are marked as such and stand after the others.
   */
  addCompression?: readonly string[] | undefined;
  /**
   * Compress layers anew that are compressed in another way than `systemContext.compressionFormat`, and take no others
   * for them that the destination may have.
   *
   * @default {false}
   */
  forceCompressionFormat?: boolean | undefined;
  /**
   * Fail with `CANNOT_MODIFY` rather than write a manifest that differs from the one at the source.
   *
   * @default {false}
   */
  preserveDigests?: boolean | undefined;
  /** Receives the lines that podman prints. */
  reportWriter?: { write(text: string): unknown } | undefined;
  /** Receives what happens, as values. What it throws is ignored. */
  onProgress?: ((event: CopyEvent) => void) | undefined;
  /** Replaces the reference that the list is read from. */
  sourceFilter?: LookupReferenceFunc | undefined;
  /**
   * How often a step that failed for a passing reason is tried again.
   *
   * @default {3}
   */
  maxRetries?: number | undefined;
  /** Milliseconds between tries; default: exponential, with jitter. */
  retryDelay?: number | undefined;
  /**
   * How many blobs are moved at once.
   *
   * @default {8}
   */
  maxParallelTransfers?: number | undefined;
  /** Ends the push. What was written to the destination by then stays there, without an index that names it. */
  signal?: AbortSignal | undefined;
}

/** What {@linkcode List.push} did. */
export type PushResult = CopyResult;

/** What is copied, and where to. */
export interface ListPush {
  /** The list. */
  readonly source: ImageReference;
  /** Where it goes. */
  readonly destination: ImageReference;
  /** The platform of `system`. */
  readonly wanted: Platform;
  /** What the list is given of the world around it. */
  readonly host: ListHost;
  /** What the caller wants. */
  readonly options: PushOptions;
}

/** Copies a list to a destination, or, with `outlineCopy`, finds out what that would do. */
export async function pushList<T>(
  push: ListPush,
  copy: (from: ImageReference, to: ImageReference, options: CopyOptions) => Promise<T>,
): Promise<T> {
  const { options } = push;
  refuseUnknownOptions(options);
  refuseContradictions(options);
  const source = await options.sourceFilter?.(push.source) ?? push.source;
  return await copy(source, push.destination, {
    ...options,
    selection: options.imageListSelection ?? "all",
    instances: options.instances?.map((digest): Digest => parseDigest(digest)),
    wanted: push.wanted,
    policy: push.host.policy,
    openBlobInfoCache: push.host.openBlobInfoCache,
  });
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof PushOptions>([
  "store",
  "systemContext",
  "imageListSelection",
  "instances",
  "manifestType",
  "addCompression",
  "forceCompressionFormat",
  "preserveDigests",
  "reportWriter",
  "onProgress",
  "sourceFilter",
  "maxRetries",
  "retryDelay",
  "maxParallelTransfers",
  "signal",
]);

function refuseContradictions(options: PushOptions): void {
  const { imageListSelection = "all", instances, addCompression, forceCompressionFormat, preserveDigests } = options;
  if (!["system", "all", "specific"].includes(imageListSelection)) {
    throw new TypeError(
      `Cannot push as imageListSelection is none of its values: ${JSON.stringify(imageListSelection)}`,
    );
  }
  if (instances && imageListSelection !== "specific") {
    throw new TypeError('Cannot push as instances are named, which wants imageListSelection "specific"');
  }
  if (preserveDigests && (addCompression?.length || forceCompressionFormat)) {
    const other = forceCompressionFormat ? "forceCompressionFormat" : "addCompression";
    throw new TypeError(`Cannot push as preserveDigests forbids every change, but ${other} asks for one`);
  }
  if (addCompression?.length && imageListSelection === "system") {
    throw new TypeError("Cannot push as addCompression adds to a list, but only a single image is pushed");
  }
}

/** An option that is not understood may be one that matters, such as a key to sign with: it is never passed over. */
function refuseUnknownOptions(options: PushOptions): void {
  const unknown = Object.entries(options).find(([name, value]) => value !== undefined && !KNOWN_OPTIONS.has(name));
  if (unknown) throw new TypeError(`Cannot push as option ${JSON.stringify(unknown[0])} is not known`);
}
