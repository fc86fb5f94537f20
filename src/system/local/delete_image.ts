import type { ImageReference, SystemContext } from "../../image/room.ts";
import { type Digest, isManifestsError, ManifestsError } from "../../spec/room.ts";
import { ContainersStorageReference } from "../../transport/containers_storage/room.ts";
import { DockerReference } from "../../transport/docker/room.ts";
import { readManifestWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";
import { parseImageName } from "./list.ts";

/** Options for {@linkcode deleteImage}. */
export interface DeleteRemoteImageOptions {
  /**
   * Delete the manifest and all its tags, or the stored image with all its names. Registries that cannot delete a single
   * tag require it.
   *
   * @default {false}
   */
  manifest?: boolean | undefined;
  /** Access to the registry: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call, which then rejects with the signal's reason. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/** Result of {@linkcode deleteImageOrName}. */
export interface DeletedImage {
  /** Digest of the deleted manifest, or of the manifest that the deleted tag or name pointed to. */
  readonly digest: Digest;
  /** Names that a stored image still has; empty if it was deleted, and for registries. */
  readonly keptNames: readonly string[];
}

/**
 * Deletes a tag or a manifest in a registry, or an image in a local store with the layers that nothing else uses. If the
 * stored image has other names, only the given one is removed. The instances of a list are not deleted.
 *
 * @returns The digest of the deleted manifest, or of the manifest that the deleted tag or name pointed to.
 * @throws {ManifestsError} With code `NOT_FOUND`; `UNSUPPORTED_TRANSPORT` if the image is elsewhere;
 * `IMAGE_IN_USE`, `CONFLICT` or `STORE_READ_ONLY` if a stored image cannot be deleted;
 * `REGISTRY_ERROR` if the registry does not support deletion, or not of a single tag; `UNAUTHORIZED`, `DENIED` or
 * `NETWORK` if the registry fails.
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
  return (await deleteImageOrName(image, options)).digest;
}

/** Deletes an image, as {@linkcode deleteImage} does, and returns the names that it still has. */
export async function deleteImageOrName(
  image: string | ImageReference,
  options: DeleteRemoteImageOptions = {},
): Promise<DeletedImage> {
  const { manifest = false, systemContext = {}, signal } = options;
  const reference = typeof image === "string" ? parseImageName(image) : image;
  if (reference instanceof ContainersStorageReference) {
    signal?.throwIfAborted();
    return await reference.deleteImage({ withNames: manifest });
  }
  if (!(reference instanceof DockerReference)) {
    throw new ManifestsError("UNSUPPORTED_TRANSPORT", `Cannot delete ${reference}: it is not in a registry or a store`);
  }
  const name = reference.dockerReference;
  const digest = name.digest ?? (await readManifestWith(LOCAL_RUNTIME, reference, { systemContext, signal })).digest;
  using opened = await reference.openRepository(systemContext);
  const deleted = await opened.repository.deleteManifest(manifest ? digest : name.digest ?? name.tag!, { signal })
    .catch((error) => {
      throw manifest || name.digest !== undefined ? error : explain(reference, error);
    });
  if (deleted) return { digest, keptNames: [] };
  throw new ManifestsError("NOT_FOUND", `Cannot delete ${reference}: not found in the registry`);
}

/** Adds the next step to an error: many registries delete manifests, but not single tags. */
function explain(reference: ImageReference, error: unknown): unknown {
  if (!isManifestsError(error) || ["UNAUTHORIZED", "DENIED"].includes(error.code)) return error;
  return new ManifestsError(
    error.code,
    `Cannot delete the tag ${reference} alone; its manifest may be deleted, with all tags that point at it (--manifest): ${error.message}`,
    { cause: error },
  );
}
