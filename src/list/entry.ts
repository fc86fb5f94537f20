import { createPlatform, type Descriptor, type Digest, type DockerListEntry, type Platform } from "../spec/room.ts";

/**
 * The common content of the OCI and the Docker form of an instance. Go keeps two structs in step; here one record
 * yields both.
 */
export interface Entry {
  digest: Digest;
  size: number;
  mediaType: string;
  /** The Docker form keeps the original type when the OCI form's is set. */
  dockerMediaType: string;
  urls: readonly string[];
  annotations: ReadonlyMap<string, string>;
  data: Uint8Array<ArrayBuffer> | undefined;
  artifactType: string;
  /** `undefined` if the OCI form has no platform; the Docker form then has an empty one. */
  platform: Platform | undefined;
  features: readonly string[];
}

/** The shared value for entries without annotations. */
export const NO_ANNOTATIONS: ReadonlyMap<string, string> = new Map();

/** Returns the OCI form of an entry. */
export function ociEntry(entry: Entry): Descriptor {
  return {
    mediaType: entry.mediaType,
    digest: entry.digest,
    size: entry.size,
    ...(entry.urls.length > 0 ? { urls: [...entry.urls] } : {}),
    ...(entry.annotations.size > 0 ? { annotations: Object.fromEntries(entry.annotations) } : {}),
    ...(entry.data ? { data: entry.data.slice() } : {}),
    ...(entry.platform ? { platform: createPlatform(entry.platform) } : {}),
    ...(entry.artifactType ? { artifactType: entry.artifactType } : {}),
  };
}

/** Returns the Docker form of an entry. */
export function dockerEntry(entry: Entry): DockerListEntry {
  return {
    mediaType: entry.dockerMediaType,
    size: entry.size,
    digest: entry.digest,
    ...(entry.urls.length > 0 ? { urls: [...entry.urls] } : {}),
    platform: {
      ...createPlatform(entry.platform ?? {}),
      ...(entry.features.length > 0 ? { features: [...entry.features] } : {}),
    },
  };
}
