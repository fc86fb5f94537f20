import type { ImageReference, SystemContext } from "../image/room.ts";
import { type Digest, manifestDigest, ManifestsError } from "../spec/room.ts";
import { fetchManifestWith } from "./fetch_manifest.ts";
import { type Kit, resolveImage } from "./kit.ts";

/** Options for {@linkcode tagImage}. */
export interface TagImageOptions {
  /** How to reach the registry. */
  systemContext?: SystemContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/** `tagImage` of either side. */
export async function tagImageWith(
  kit: Kit,
  image: string | ImageReference,
  tags: readonly string[],
  options: TagImageOptions = {},
): Promise<Digest> {
  const { systemContext, signal } = options;
  const source = resolveImage(kit, image);
  const name = source.dockerReference;
  const bad = tags.find((tag) => !/^\w[\w.-]{0,127}$/.test(tag));
  if (!name || bad !== undefined) {
    throw new ManifestsError(
      "INVALID_REFERENCE",
      name
        ? `Cannot tag ${source} as ${JSON.stringify(bad)} is no tag`
        : `Cannot tag ${source} as it is in no registry`,
    );
  }
  const { bytes, mediaType } = await fetchManifestWith(kit, source, options);
  for (const tag of tags) {
    const target = resolveImage(kit, `docker://${name.name}:${tag}`);
    await using destination = await target.openDestination(systemContext);
    await destination.putManifest(bytes, mediaType, { signal });
    await destination.commit({ signal });
  }
  return manifestDigest(bytes);
}
