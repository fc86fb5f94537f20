import { parseJson, StructReader } from "../../../json/room.ts";
import { type Digest, isDigest, ManifestsError, UNKNOWN_SIZE } from "../../../spec/room.ts";
import type { StoredLayer } from "../../types.ts";

/** The flag under which a layer that was identified by its table of contents has the digest of its tar. */
const EXPECTED_DIFF_FLAG = "expected-layer-diffid";

/**
 * Reads `layers.json` or one of its volatile companions (storage `layers.go`, struct `Layer`). Layers that were never
 * finished are left out: the next tool that writes here will delete them.
 *
 * @throws {ManifestsError} With code `STORE_CORRUPT`.
 */
export function parseLayerRecords(bytes: Uint8Array, path: string): StoredLayer[] {
  if (bytes.length === 0) return [];
  try {
    const { value } = parseJson(bytes, path);
    if (value === null) return [];
    if (!Array.isArray(value)) throw new TypeError("it is no array");
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
    id: requireLayerId(from, "id", from.string("id") ?? ""),
    parent: parent && requireLayerId(from, "parent", parent),
    diffDigest: diffDigest as Digest | undefined,
    diffSize: from.integer("diff-size") ?? UNKNOWN_SIZE,
  };
}

/** Ids become names of files and folders. */
function requireLayerId(from: StructReader, member: string, id: string): string {
  return isLayerId(id) ? id : from.fail(member, "a layer id");
}

/** Whether a text can be a layer's id: one component of a path, and not a hidden one. */
export function isLayerId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/.test(id);
}
