import type { ImageReference, SystemContext } from "../image/room.ts";
import { isManifestsError, ManifestsError } from "../spec/room.ts";
import { DockerReference } from "../transport/docker/room.ts";
import { resolveImage, type Runtime } from "./runtime.ts";

/** Options for {@linkcode openRepositoryWith}. */
export interface OpenRepositoryOptions {
  /** Access to the registry: credentials, TLS, configuration files. */
  readonly systemContext?: SystemContext | undefined;
  /** Aborts the calls of the repository. */
  readonly signal?: AbortSignal | undefined;
}

/** The tags of a repository in a registry. */
export interface RepositoryTags extends Disposable {
  /** Lists the tags in the registry's order, page by page; none if the repository does not exist. */
  listTags(): AsyncIterable<string>;
  /**
   * Deletes a tag, and never the manifest that it names. Returns `false` if the tag did not exist.
   *
   * @throws {ManifestsError} With code `REGISTRY_ERROR` if the registry cannot delete a tag alone.
   */
  deleteTag(tag: string): Promise<boolean>;
}

/**
 * Opens the repository of an image for work on its tags. Disposing it closes its connection.
 *
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT` if the image is not in a registry.
 */
export async function openRepositoryWith(
  runtime: Runtime,
  image: string | ImageReference,
  { systemContext, signal }: OpenRepositoryOptions = {},
): Promise<RepositoryTags> {
  const reference = resolveImage(runtime, image);
  if (!(reference instanceof DockerReference)) {
    throw new ManifestsError(
      "UNSUPPORTED_TRANSPORT",
      `Cannot open the repository of ${reference}: it is not in a registry`,
    );
  }
  const { repository, [Symbol.dispose]: dispose } = await reference.openRepository(systemContext);
  const { name } = reference.dockerReference;
  return {
    listTags: () => repository.listTags({ signal }),
    deleteTag: async (tag) => {
      try {
        return await repository.deleteManifest(tag, { signal });
      } catch (error) {
        if (!isManifestsError(error, "REGISTRY_ERROR") && !isManifestsError(error, "MANIFEST_REJECTED")) throw error;
        const problem = `Cannot delete the tag ${name}:${tag}: the registry may not be able to delete a tag alone`;
        throw new ManifestsError("REGISTRY_ERROR", `${problem}: ${error.message}`, { cause: error });
      }
    },
    [Symbol.dispose]: dispose,
  };
}
