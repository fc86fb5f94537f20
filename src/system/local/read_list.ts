import type { ImageReference, SystemContext } from "../../image/mod.ts";
import { type Digest, isIndex, manifestDigest, ManifestsError } from "../../spec/mod.ts";
import { fetchManifest, List, parseImageName } from "./list.ts";

/** Options for {@linkcode readList}. */
export interface ReadListOptions {
  /** How to reach the list. */
  systemContext?: SystemContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/** A list that was read from where it is. */
export interface ReadList {
  /** The list. */
  readonly list: List;
  /** Digest of its manifest there. */
  readonly digest: Digest;
  /** Media type of its manifest there. */
  readonly mediaType: string;
}

/**
 * Reads a list from a registry or another place as one that can be edited and pushed; no store is involved. Its
 * instances, with everything that their entries say, are recorded where they were found.
 *
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST` where it is an ordinary image; `NOT_FOUND` and others.
 *
 * @example
 * ```ts
 * import { create, readList } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const original = create();
 * const artifact = await original.addArtifact([]);
 * await original.push("registry.example/app:1", { systemContext });
 * const { list } = await readList("registry.example/app:1", { systemContext });
 * assert.deepEqual(list.instances(), [artifact]);
 * ```
 */
export async function readList(image: string | ImageReference, options: ReadListOptions = {}): Promise<ReadList> {
  const named = typeof image === "string" ? parseImageName(image) : image;
  const found = await fetchManifest(named, options);
  if (!isIndex(found)) {
    throw new ManifestsError(
      "NOT_A_MANIFEST_LIST",
      `Cannot edit ${named} as it is no list, but of type ${found.mediaType}`,
    );
  }
  const digest = manifestDigest(found.bytes);
  const list = List.fromBlob(found.bytes);
  list.locateInstances(named);
  return { list, digest, mediaType: found.mediaType };
}
