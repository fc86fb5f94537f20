import { parseJson, readTime, StructReader, ZERO_TIME } from "../../json/room.ts";
import { type Digest, isDigest, ManifestsError, type ParsedImage, readOciConfig } from "../../spec/room.ts";

/** The parts of an image's configuration that a store needs. */
export interface StoredConfig {
  /** Digests of the uncompressed layers, one for each layer of the manifest. */
  readonly diffIds: readonly Digest[];
  /** Time of creation as Go writes it; `undefined` if there is none. */
  readonly created: string | undefined;
}

/**
 * Reads the configuration of an image. Other tools read it whenever they list the images of the store, and fail if one
 * member has the wrong type; an invalid time in the record of an image makes the whole store unreadable.
 *
 * @param what The image, for messages.
 * @throws {ManifestsError} With code `INVALID_MANIFEST` if it does not have a digest for each layer, or `INVALID_JSON` if
 * Go could not read it.
 */
export function parseStoredConfig(config: Uint8Array, { layers }: ParsedImage, what: string): StoredConfig {
  const name = `the configuration for ${what}`;
  const from = new StructReader(parseJson(config, name).value, name);
  readOciConfig(from);
  const found = from.struct("rootfs")?.strings("diff_ids") ?? [];
  if (found.length < layers.length) {
    throw new ManifestsError(
      "INVALID_MANIFEST",
      `Cannot write to ${what}: image config has only ${found.length} DiffID values, but a layer with index ${found.length} exists`,
    );
  }
  const diffIds = found.slice(0, layers.length).map((diffId) => {
    if (isDigest(diffId)) return diffId;
    throw new ManifestsError("INVALID_MANIFEST", `Cannot write to ${what}: invalid DiffID ${JSON.stringify(diffId)}`);
  });
  const created = readTime(from, "created");
  return { diffIds, created: created === ZERO_TIME ? undefined : created };
}
