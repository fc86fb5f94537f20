import { readManifestWith, resolveSource } from "../../actions/room.ts";
import type { CallOptions, ImageReference, SystemContext } from "../../image/room.ts";
import { type Digest, isManifestsError } from "../../spec/room.ts";
import { DockerReference } from "../../transport/docker/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Finds the digest of the manifest that an image's name has. A registry is asked with HEAD, which does not count as a
 * pull; if that fails, the manifest is read, also from mirrors. Only that read is retried.
 *
 * @throws {ManifestsError} With the codes of `fetchManifest`, such as `NOT_FOUND`.
 */
export async function findDigest(
  image: string | ImageReference,
  options: CallOptions & { systemContext?: SystemContext | undefined } = {},
): Promise<Digest> {
  const reference = resolveSource(LOCAL_RUNTIME, image);
  const { systemContext, signal } = options;
  const head = reference instanceof DockerReference
    ? await askRegistry(reference, { systemContext, signal })
    : undefined;
  return head ?? (await readManifestWith(LOCAL_RUNTIME, reference, options)).digest;
}

async function askRegistry(
  reference: DockerReference,
  { systemContext, signal }: CallOptions & { systemContext?: SystemContext | undefined },
): Promise<Digest | undefined> {
  using opened = await reference.openRepository(systemContext);
  try {
    return (await opened.repository.headManifest(reference.target, { signal, maxRetries: 0 }))?.digest;
  } catch (error) {
    signal?.throwIfAborted();
    if (isManifestsError(error)) return undefined;
    throw error;
  }
}
