import { parseJson, StructReader } from "../../../json/room.ts";
import { type Digest, isDigest, ManifestsError, UNKNOWN_SIZE } from "../../../spec/room.ts";
import type { StoredLayer } from "../../types.ts";

/** Flag with the digest of the tar archive, for a layer that was pulled by its table of contents (zstd:chunked). */
const EXPECTED_DIFF_FLAG = "expected-layer-diffid";

/** Digest of an archive of 0 bytes. */
const NO_BYTES: string = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/**
 * Parses `layers.json` or `volatile-layers.json` (storage `layers.go`, struct `Layer`). Incomplete layers are left out:
 * the next tool that writes to the store deletes them.
 *
 * @throws {ManifestsError} With code `STORE_CORRUPT`.
 */
export function parseLayerRecords(bytes: Uint8Array, path: string): StoredLayer[] {
  if (bytes.length === 0) return [];
  try {
    const { value } = parseJson(bytes, path);
    if (value === null) return [];
    if (!Array.isArray(value)) throw new TypeError("it is not an array");
    return value.flatMap((item, i) => readLayer(new StructReader(item, path, `[${i}]`)) ?? []);
  } catch (cause) {
    throw new ManifestsError("STORE_CORRUPT", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function readLayer(from: StructReader): StoredLayer | undefined {
  const flags = from.struct("flags");
  if (flags?.boolean("incomplete")) return undefined;
  const diffDigest = from.string("diff-digest") || flags?.string(EXPECTED_DIFF_FLAG) || undefined;
  if (diffDigest !== undefined && !isDigest(diffDigest)) from.fail("diff-digest", "a digest");
  const parent = from.string("parent") || undefined;
  return {
    id: parseLayerId(from, "id", from.string("id") ?? ""),
    parent: parent && parseLayerId(from, "parent", parent),
    diffDigest: diffDigest as Digest | undefined,
    // Go omits the size of an archive of 0 bytes.
    diffSize: from.integer("diff-size") ?? (diffDigest === NO_BYTES ? 0 : UNKNOWN_SIZE),
  };
}

/** Returns the id, or fails: ids become names of files and folders. */
function parseLayerId(from: StructReader, member: string, id: string): string {
  return isLayerId(id) ? id : from.fail(member, "a layer id");
}

/** True if a text can be the id of a layer: one component of a path that does not begin with a dot. */
export function isLayerId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/.test(id);
}
