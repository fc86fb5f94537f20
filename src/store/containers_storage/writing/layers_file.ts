import { join } from "@std/path";
import { encodeUtf8 } from "../../../internal/room.ts";
import { writeAtomically } from "../../../internal/host/room.ts";
import {
  encodeGoJsonText,
  type GoJsonValue,
  parseJson,
  RawJson,
  scanJson,
  sortedMap,
  StructReader,
} from "../../../json/room.ts";
import { type Digest, isDigest, ManifestsError } from "../../../spec/room.ts";
import { readOrEmpty } from "../io_errors.ts";
import { writeLastWriter } from "../last_writer.ts";
import { isLayerId } from "../layers/layer_records.ts";

/** A record in `layers.json`, with the members that writers need. */
export interface LayerRecord {
  /** Id of the layer, unique in its store. */
  readonly id: string;
  /** Id of the layer below; `undefined` for the lowest. */
  readonly parent: string | undefined;
  /** True if a program was stopped while it wrote the layer: its files must not be used. */
  readonly isIncomplete: boolean;
  /** True if the owners of its files are mapped, so that other layers cannot be put on it. */
  readonly isMapped: boolean;
  /** Digest of the uncompressed archive; `undefined` if it is not known. */
  readonly diffDigest: Digest | undefined;
  /** Sizes of the layer in bytes by digest: of its archive, and of the blob that it was unpacked from. */
  readonly sizes: ReadonlyMap<Digest, number>;
  /** Number of the compression of that blob (storage `archive.Compression`); 0 for none. */
  readonly compression: number;
  /** JSON text of the record, with all members. */
  readonly text: string;
}

/** Members of a new record. */
export interface NewLayer {
  /** Id of the new layer, unique in its store. */
  readonly id: string;
  /** Id of the layer below; `undefined` for the lowest. */
  readonly parent: string | undefined;
  /** Time of creation, as Go writes it. */
  readonly created: string;
  /** Digests, sizes and owners; `undefined` until the layer is unpacked. */
  readonly content: {
    readonly blobDigest: Digest;
    readonly blobSize: number;
    readonly diffDigest: Digest;
    readonly diffSize: number;
    /** Number of the compression (storage `archive.Compression`); 0 for none. */
    readonly compression: number;
    readonly uids: readonly number[];
    readonly gids: readonly number[];
  } | undefined;
}

/** Creates a record (storage `layers.go`, struct `Layer`). Without its content, the record is incomplete. */
export function createLayerRecord({ id, parent, created, content }: NewLayer): LayerRecord {
  const omitEmpty = <T>(list: readonly T[]) => list.length > 0 ? list : undefined;
  const text = encodeGoJsonText(
    new Map<string, GoJsonValue | undefined>([
      ["id", id],
      ["parent", parent],
      ["created", created],
      ["compressed-diff-digest", content?.blobDigest],
      ["compressed-size", content?.blobSize || undefined],
      ["diff-digest", content?.diffDigest],
      ["diff-size", content?.diffSize || undefined],
      ["compression", content?.compression || undefined],
      ["uidset", content && omitEmpty(content.uids)],
      ["gidset", content && omitEmpty(content.gids)],
      ["flags", content ? undefined : new Map([["incomplete", true]])],
    ]),
  );
  return {
    id,
    parent,
    isIncomplete: !content,
    isMapped: false,
    diffDigest: content?.diffDigest,
    sizes: new Map(content && [[content.diffDigest, content.diffSize], [content.blobDigest, content.blobSize]]),
    compression: content?.compression ?? 0,
    text,
  };
}

/** Returns a record that is marked as incomplete, as before its layer is deleted. */
export function markIncomplete(record: LayerRecord): LayerRecord {
  const members = new Map<string, GoJsonValue | undefined>(
    scanJson(record.text, "layers.json").map(({ key, start, end }) => [
      String(key),
      new RawJson(record.text.slice(start, end)),
    ]),
  );
  const { flags } = JSON.parse(record.text);
  members.set("flags", sortedMap({ ...flags, incomplete: true }));
  return { ...record, isIncomplete: true, text: encodeGoJsonText(members) };
}

/** Reads the records of a folder. The caller holds its lock. */
export async function readLayersFile(folder: string): Promise<LayerRecord[]> {
  const path = join(folder, "layers.json");
  const bytes = await readOrEmpty(path);
  if (bytes.length === 0) return [];
  try {
    const { value, text, spans } = parseJson(bytes, path);
    if (value === null) return [];
    if (!Array.isArray(value)) throw new TypeError("it is not an array");
    return value.map((item, i) => {
      const { start, end } = spans[i]!;
      return readRecord(new StructReader(item, path, `[${i}]`), text.slice(start, end));
    });
  } catch (cause) {
    throw new ManifestsError("STORE_CORRUPT", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function readRecord(from: StructReader, text: string): LayerRecord {
  const id = from.string("id") ?? "";
  // Ids become names of files.
  if (!isLayerId(id)) from.fail("id", "a layer id");
  const flags = from.struct("flags");
  const sizes = new Map<Digest, number>();
  for (const [digest, size] of [["diff-digest", "diff-size"], ["compressed-diff-digest", "compressed-size"]] as const) {
    const found = from.string(digest);
    if (found && isDigest(found)) sizes.set(found, from.integer(size) ?? 0);
  }
  const diffDigest = from.string("diff-digest") as Digest | undefined;
  return {
    id,
    parent: from.string("parent") || undefined,
    isIncomplete: flags?.boolean("incomplete") ?? false,
    isMapped: ["uidmap", "gidmap"].some((member) => (from.structs(member) ?? []).length > 0),
    diffDigest: diffDigest && sizes.has(diffDigest) ? diffDigest : undefined,
    sizes,
    compression: from.integer("compression") ?? 0,
    text,
  };
}

/** Saves the records. The caller holds the exclusive lock of the folder, whose file is `lock`. */
export async function saveLayersFile(
  folder: string,
  lock: Deno.FsFile,
  records: readonly LayerRecord[],
): Promise<void> {
  // First the last-writer bytes: a crash afterwards only makes others read the records once more.
  await writeLastWriter(lock);
  const text = `[${records.map((record) => record.text).join(",")}]`;
  await writeAtomically(join(folder, "layers.json"), encodeUtf8(text));
}
