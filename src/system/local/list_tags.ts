import type { CallOptions, ImageReference, SystemContext } from "../../image/room.ts";
import {
  type Digest,
  ManifestsError,
  ManifestsSyntaxError,
  type NamedReference,
  parseReference,
} from "../../spec/room.ts";
import { DockerReference } from "../../transport/docker/room.ts";
import { parseImageName } from "./list.ts";

/** A repository of a registry. */
export interface RemoteRepository extends Disposable {
  /** Name of the repository, without a tag. */
  readonly name: NamedReference;
  /** Lists the tags in the registry's order, following all pages; none if the repository does not exist. */
  listTags(): AsyncIterable<string>;
  /** Returns the digest of a tag; `undefined` if it does not exist. */
  findDigest(tag: string): Promise<Digest | undefined>;
}

/**
 * Opens a repository of a registry. Disposing it closes its connections.
 *
 * @param name Name of the repository, with or without `docker://`.
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT` if it is not in a registry; `CONFIG_FILE_INVALID`,
 * `CONFIG_FILE_UNREADABLE` or `REGISTRY_BLOCKED` by the configuration.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`, also if the name has a tag or digest.
 */
export async function openRepository(
  name: string,
  { systemContext, signal }: CallOptions & { systemContext?: SystemContext | undefined } = {},
): Promise<RemoteRepository> {
  const reference: ImageReference = parseImageName(name);
  assertRepositoryName(name, reference);
  if (!(reference instanceof DockerReference)) {
    throw new ManifestsError("UNSUPPORTED_TRANSPORT", `Cannot list the tags of ${reference}: it is not in a registry`);
  }
  const { repository, [Symbol.dispose]: dispose } = await reference.openRepository(systemContext);
  return {
    name: reference.dockerReference.trimmed(),
    listTags: () => repository.listTags({ signal }),
    findDigest: async (tag) => (await repository.headManifest(tag, { signal }))?.digest,
    [Symbol.dispose]: dispose,
  };
}

function assertRepositoryName(name: string, { transport }: ImageReference): void {
  const { tag, digest } = transport === "docker" ? parseReference(name.replace(/^docker:\/\//, "")) : {};
  if (tag === undefined && digest === undefined) return;
  throw new ManifestsSyntaxError(
    "INVALID_REFERENCE",
    `Cannot list the tags of ${JSON.stringify(name)}: write the repository without ${digest ? "digest" : "tag"}`,
  );
}
