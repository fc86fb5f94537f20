import type { ImageReference, SystemContext } from "../../image/room.ts";
import { findInstances } from "../../list/room.ts";
import {
  createPlatform,
  type Descriptor,
  type DockerPlatform,
  getEntries,
  isIndex,
  isManifestsError,
  ManifestsError,
} from "../../spec/room.ts";
import { readManifestWith } from "../fetch_manifest.ts";
import type { Runtime } from "../runtime.ts";
import type { FoundSource } from "./find_sources.ts";

/**
 * Reads the index to which sources are added. Its images are not read: they were checked when they were added.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if it does not exist.
 */
export async function findBase(
  runtime: Runtime,
  target: ImageReference,
  options: { systemContext?: SystemContext | undefined; signal?: AbortSignal | undefined },
): Promise<FoundSource> {
  const { systemContext, signal } = options;
  const { digest, manifest } = await readManifestWith(runtime, target, { systemContext, signal }).catch((cause) => {
    if (!isManifestsError(cause, "NOT_FOUND")) throw cause;
    const text = `Cannot append to ${target}: it does not exist: leave out append (--append) to create it`;
    throw new ManifestsError("NOT_FOUND", text, { cause });
  });
  const reference = target.withDigest?.(digest) ?? target;
  const source = { image: target };
  if (!isIndex(manifest)) {
    return { source, found: await findInstances(reference, runtime.host.platform, { systemContext, signal }) };
  }
  const instances = getEntries(manifest).map((entry) => {
    const { artifactType = "", annotations = {}, data }: Partial<Descriptor> = entry;
    const { features = [] }: Partial<DockerPlatform> = entry.platform ?? {};
    const { digest, size, mediaType, urls = [] } = entry;
    const platform = createPlatform(entry.platform ?? {});
    return { digest, size, mediaType, urls, platform, artifactType, annotations, features, data, reference };
  });
  return { source, found: { digest, manifest, reference, instances } };
}
