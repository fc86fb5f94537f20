import {
  type CallOptions,
  type ImageReference,
  readManifest,
  type SystemContext,
  type VerifiedManifest,
} from "../image/room.ts";
import type { ParsedManifest } from "../spec/room.ts";
import { resolveImage, type Runtime } from "./runtime.ts";

/** Options for `fetchManifest`. */
export interface FetchManifestOptions extends CallOptions {
  /** How to reach the image. */
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
  await using source = await resolveImage(runtime, image).openSource(systemContext);
  return await readManifest(source, call);
}
