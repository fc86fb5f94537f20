import type { ImageReference, SystemContext } from "../image/room.ts";
import { type Digest, isTag, ManifestsError } from "../spec/room.ts";
import { readManifestWith } from "./fetch_manifest.ts";
import { keepConnection } from "./keep_connection.ts";
import { resolveSource } from "./resolve_source.ts";
import { resolveImage, type Runtime } from "./runtime.ts";

/** Options for {@linkcode tagImage}. */
export interface TagImageOptions {
  /** Access to the registry: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call. Tags that were written before remain. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/** Result of {@linkcode tagImageWith}. */
export interface TaggedImage {
  /** Digest of the tagged manifest. */
  readonly digest: Digest;
  /** `true` if all tags named the image before, so that nothing was written; otherwise absent. */
  readonly unchanged?: true | undefined;
}

/** Tags an image: `tagImage` for any runtime. A tag that already has this digest is not written. */
export async function tagImageWith(
  runtime: Runtime,
  image: string | ImageReference,
  tags: readonly string[],
  options: TagImageOptions = {},
): Promise<TaggedImage> {
  const { systemContext, signal } = options;
  const source = resolveSource(runtime, image);
  const name = source.dockerReference;
  const bad = tags.find((tag) => !isTag(tag));
  if (!name || bad !== undefined) {
    throw new ManifestsError(
      "INVALID_REFERENCE",
      name
        ? `Cannot tag ${source} as ${JSON.stringify(bad)}: invalid tag`
        : `Cannot tag ${source}: it is not in a registry`,
    );
  }
  await using _held = await keepConnection(source, systemContext);
  const { digest, manifest: { bytes, mediaType } } = await readManifestWith(runtime, source, options);
  let unchanged = true;
  for (const tag of tags) {
    await using destination = await resolveImage(runtime, `docker://${name.name}:${tag}`).openDestination(
      systemContext,
    );
    const before = await destination.findManifest?.({ signal });
    if (before === digest) continue;
    unchanged = false;
    // A tag that another writer moves at the same time is a conflict: one of them would not know that it lost.
    await destination.putManifest(bytes, mediaType, { digest, ifMatch: before ?? null, signal });
    await destination.commit({ signal });
  }
  return { digest, ...(unchanged ? { unchanged } : {}) };
}
