import type { ImageReference, SystemContext } from "../../image/room.ts";
import { type Digest, isManifestsError, ManifestsError } from "../../spec/room.ts";
import { DockerReference } from "../../transport/docker/room.ts";
import { readManifestWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";
import { parseImageName } from "./list.ts";

/** Options for {@linkcode deleteImage}. */
export interface DeleteRemoteImageOptions {
  /**
   * Delete the manifest itself, and with it every tag that points at it; registries that cannot delete a tag alone need
   * this.
   *
   * @default {false}
   */
  manifest?: boolean | undefined;
  /** How to reach the registry. */
  systemContext?: SystemContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/**
 * Deletes a tag of a registry, or a manifest. The instances of a list stay.
 *
 * @returns The digest that the name meant.
 * @throws {ManifestsError} With code `NOT_FOUND`; `REGISTRY_ERROR` where the registry deletes nothing, or no tag alone;
 * `DENIED` and others.
 *
 * @example
 * ```ts
 * import { create, deleteImage } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const { digest } = await create().push("registry.example/app:1", { systemContext });
 * assert.equal(await deleteImage("registry.example/app:1", { systemContext }), digest);
 * ```
 */
export async function deleteImage(
  image: string | ImageReference,
  options: DeleteRemoteImageOptions = {},
): Promise<Digest> {
  const { manifest = false, systemContext = {}, signal } = options;
  const reference = typeof image === "string" ? parseImageName(image) : image;
  if (!(reference instanceof DockerReference)) {
    throw new ManifestsError("UNSUPPORTED_TRANSPORT", `Cannot delete ${reference} as it is in no registry`);
  }
  const name = reference.dockerReference;
  const digest = name.digest ?? (await readManifestWith(LOCAL_RUNTIME, reference, { systemContext, signal })).digest;
  using opened = await reference.openRepository(systemContext);
  const deleted = await opened.repository.deleteManifest(manifest ? digest : name.digest ?? name.tag!, { signal })
    .catch((error) => {
      throw manifest || name.digest !== undefined ? error : explain(reference, error);
    });
  if (deleted) return digest;
  throw new ManifestsError("NOT_FOUND", `Cannot delete ${reference} as the registry does not have it`);
}

/** Many registries delete manifests, but no tags. */
function explain(reference: ImageReference, error: unknown): unknown {
  if (!isManifestsError(error) || ["UNAUTHORIZED", "DENIED"].includes(error.code)) return error;
  return new ManifestsError(
    error.code,
    `Cannot delete the tag ${reference} alone; its manifest may be deleted, with all tags that point at it (--manifest): ${error.message}`,
    { cause: error },
  );
}
