import { type CopyImageOptions, openRepository, parseImageName } from "../../system/local/room.ts";
import { UsageError } from "../errors.ts";
import type { AnyImage } from "./places.ts";

/** One image to copy, to one destination. */
export interface CopyJob {
  /** The image or list to copy. */
  readonly source: AnyImage;
  /** Name of the destination, as the user typed it or with a tag. */
  readonly destination: string;
  /** The destination as a reference, if it is in the store that the flags name. Default: `destination`. */
  readonly place?: AnyImage;
}

/**
 * Lists the copies of `copy --all-tags`: every tag of a repository, to every destination.
 *
 * @throws {UsageError} The source or a destination has a tag, or is not a place for several tags.
 * @throws {Error} The repository has no tags.
 */
export async function listTagCopies(
  source: string,
  destinations: readonly string[],
  { systemContext, sourceContext = systemContext, signal }: CopyImageOptions,
): Promise<CopyJob[]> {
  for (const destination of destinations) assertHoldsTags(destination);
  using repository = await openRepository(source, { systemContext: sourceContext, signal });
  const tags = await Array.fromAsync(repository.listTags());
  if (tags.length === 0) throw createEmptyError(String(repository.name));
  return tags.flatMap((tag) =>
    destinations.map((destination) => ({
      source: `docker://${repository.name}:${tag}`,
      destination: `${destination}:${tag}`,
    }))
  );
}

/** Creates the error for a repository without tags; registries do not tell it from one that does not exist. */
export function createEmptyError(repository: string): Error {
  return new Error(`Cannot list the tags of ${repository}: the repository does not exist or has no tags`);
}

function assertHoldsTags(destination: string): void {
  // `TAG` is appended as to each destination, so a destination with a tag of its own is invalid then.
  const { transport } = parseImageName(`${destination}:TAG`);
  if (transport === "docker" || transport === "oci") return;
  throw new UsageError(`--all-tags cannot be used with ${JSON.stringify(destination)}: use docker:// or oci:`);
}
