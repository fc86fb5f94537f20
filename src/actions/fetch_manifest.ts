import {
  type CallOptions,
  type ImageReference,
  readManifest,
  type SystemContext,
  type VerifiedManifest,
} from "../image/room.ts";
import type { ParsedManifest } from "../spec/room.ts";
import { resolveSource } from "./resolve_source.ts";
import type { Runtime } from "./runtime.ts";

/** Options for `fetchManifest`. */
export interface FetchManifestOptions extends CallOptions {
  /** How to reach the image. Default: `{}`. */
  systemContext?: SystemContext | undefined;
}

/** Reads and verifies a manifest: `fetchManifest` for any runtime. */
export async function fetchManifestWith(
  runtime: Runtime,
  image: string | ImageReference,
  options: FetchManifestOptions = {},
): Promise<ParsedManifest> {
  return (await readManifestWith(runtime, image, options)).manifest;
}

/** Reads and verifies a manifest, and returns it with its digest. */
export async function readManifestWith(
  runtime: Runtime,
  image: string | ImageReference,
  options: FetchManifestOptions = {},
): Promise<VerifiedManifest> {
  const { systemContext, ...call } = options;
  await using source = await resolveSource(runtime, image).openSource(systemContext);
  return await readManifest(source, call);
}

/**
 * Reads and verifies the manifest of the first image that can be read, such as of the images that a short name can mean.
 * If none can be read, the error names the reason for each.
 */
export async function fetchFirstManifestWith(
  runtime: Runtime,
  images: readonly (string | ImageReference)[],
  options: FetchManifestOptions = {},
): Promise<ParsedManifest> {
  return await readFirst(images, (image) => fetchManifestWith(runtime, image, options), options.signal);
}

/** Returns what is read from the first of some images that can be read. Otherwise, the error names the reason for each. */
export async function readFirst<I, T>(
  images: readonly I[],
  read: (image: I) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const failures: Error[] = [];
  for (const image of images) {
    try {
      return await read(image);
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(error as Error);
    }
  }
  throw failures.length === 1 ? failures[0] : new Error(`tried ${failures.map(({ message }) => message).join("; ")}`);
}
