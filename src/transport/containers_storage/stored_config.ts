import { isObject, parseJson } from "../../json/room.ts";
import { type Digest, isDigest, ManifestsError, type ParsedImage } from "../../spec/room.ts";

/** The parts of an image's configuration that a store needs. */
export interface StoredConfig {
  /** Digests of the uncompressed layers, one for each layer of the manifest. */
  readonly diffIds: readonly Digest[];
  /** Time of creation as Go writes it; `undefined` if there is none. */
  readonly created: string | undefined;
}

/**
 * Reads the configuration of an image.
 *
 * @param what The image, for messages.
 * @throws {ManifestsError} With code `INVALID_MANIFEST` if it does not have a digest for each layer.
 */
export function parseStoredConfig(config: Uint8Array, { layers }: ParsedImage, what: string): StoredConfig {
  const { value } = parseJson(config, "image configuration");
  const { rootfs, created } = isObject(value) ? value : {};
  const found = isObject(rootfs) && Array.isArray(rootfs.diff_ids) ? rootfs.diff_ids : [];
  if (found.length < layers.length) {
    throw new ManifestsError(
      "INVALID_MANIFEST",
      `Cannot write to ${what}: image config has only ${found.length} DiffID values, but a layer with index ${found.length} exists`,
    );
  }
  const diffIds = found.slice(0, layers.length).map((diffId: unknown) => {
    if (typeof diffId === "string" && isDigest(diffId)) return diffId;
    throw new ManifestsError("INVALID_MANIFEST", `Cannot write to ${what}: invalid DiffID ${JSON.stringify(diffId)}`);
  });
  return { diffIds, created: typeof created === "string" ? formatTime(created) : undefined };
}

/** Returns a time as Go formats it: without trailing zeros in the fraction; `undefined` if it is not RFC 3339. */
function formatTime(text: string): string | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match || Number.isNaN(Date.parse(text))) return undefined;
  const [, seconds, fraction = "", zone] = match;
  const digits = fraction.slice(0, 9).replace(/0+$/, "");
  return `${seconds}${digits === "" ? "" : `.${digits}`}${zone === "+00:00" ? "Z" : zone}`;
}
