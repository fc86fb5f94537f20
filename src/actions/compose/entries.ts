import type { FoundInstance } from "../../list/room.ts";
import { type Descriptor, isEmptyPlatform } from "../../spec/room.ts";

/** An entry of the index to compose. */
export interface ComposedEntry extends FoundInstance {
  /** Name of the source that it is from, for messages. */
  readonly origin: string;
  /** Embedded content, which is kept for entries of an existing index. */
  readonly data?: Descriptor["data"];
}

/** Returns the descriptor of an entry, as an OCI index has it. */
export function toDescriptor(entry: ComposedEntry): Descriptor {
  const { mediaType, digest, size, urls, annotations, platform, artifactType, data } = entry;
  return {
    mediaType,
    digest,
    size,
    ...(urls.length > 0 ? { urls } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(data ? { data } : {}),
    ...(isEmptyPlatform(platform) ? {} : { platform }),
    ...(artifactType ? { artifactType } : {}),
  };
}
