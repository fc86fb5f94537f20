import type { ImageReference, SystemContext } from "../../image/mod.ts";
import { type Digest, manifestDigest, ManifestsError } from "../../spec/mod.ts";
import { fetchManifest, parseImageName } from "./list.ts";

/** Options for {@linkcode tagImage}. */
export interface TagImageOptions {
  /** How to reach the registry. */
  systemContext?: SystemContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/**
 * Gives an image or a list in a registry further tags in its repository. Only its manifest is sent.
 *
 * @returns Its digest.
 * @throws {ManifestsError} With code `INVALID_REFERENCE`, `NOT_FOUND`, `DENIED` and others; tags before the one that
 * failed are there then.
 *
 * @example
 * ```ts
 * import { create, fetchManifest, tagImage } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1.0", { systemContext });
 * await tagImage("registry.example/app:1.0", ["1", "latest"], { systemContext });
 * assert.equal((await fetchManifest("registry.example/app:latest", { systemContext })).kind, "docker-list");
 * ```
 */
export async function tagImage(
  image: string | ImageReference,
  tags: readonly string[],
  options: TagImageOptions = {},
): Promise<Digest> {
  const { systemContext, signal } = options;
  const source = typeof image === "string" ? parseImageName(image) : image;
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
  const { bytes, mediaType } = await fetchManifest(source, options);
  for (const tag of tags) {
    const target = parseImageName(`docker://${name.name}:${tag}`);
    await using destination = await target.openDestination(systemContext);
    await destination.putManifest(bytes, mediaType, { signal });
    await destination.commit({ signal });
  }
  return manifestDigest(bytes);
}
