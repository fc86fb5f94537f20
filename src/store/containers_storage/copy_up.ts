import { join } from "@std/path";
import type { ImagesFolder } from "./images.ts";
import type { BigData } from "../types.ts";
import { ignoreMissing } from "./io_errors.ts";
import { bigDataFile } from "./layout.ts";
import { now } from "./record_changes.ts";
import type { RecordSet } from "./record_set.ts";
import { createRecord, type ImageRecord, type StoredRecord } from "./records.ts";

/** A record in another folder, with all its data. */
export interface CopiedRecord {
  readonly stored: StoredRecord;
  readonly data: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Reads a record with all its data from the first of some folders that has it. */
export async function readRecordOf(folders: readonly ImagesFolder[], id: string): Promise<CopiedRecord | undefined> {
  for (const folder of folders) {
    const copied = await folder.read(async (set) => {
      const stored = set.byId(id);
      return stored && { stored, data: await readItems(folder, stored.record, stored.record.bigDataNames) };
    });
    if (copied) return copied;
  }
  return undefined;
}

/** Returns the names that a copy has in a set. A name that another record of the set has stays with that record. */
export function listFreeNames({ stored }: CopiedRecord, set: RecordSet): readonly string[] {
  return stored.record.names.filter((name) => !set.byName(name));
}

/** Members of a new record. Its items are added to it later. */
interface NewRecord extends Pick<ImageRecord, "id" | "names" | "layer"> {
  /** Time of creation. Default: that of the record that it hides, else the current time. */
  readonly created?: string | undefined;
}

/**
 * Creates a record without items. One that hides a record of another folder has the digest, the metadata and the former
 * names of that record (storage `CreateImage`).
 */
export function createRecordOver(hidden: CopiedRecord | undefined, { created, ...members }: NewRecord): StoredRecord {
  const { digest, metadata, namesHistory = [], created: createdBefore } = hidden?.stored.record ?? {};
  return createRecord({
    ...members,
    digest,
    metadata,
    namesHistory,
    bigDataNames: [],
    bigDataSizes: new Map(),
    bigDataDigests: new Map(),
    created: created ?? createdBefore ?? now(),
  });
}

/** Returns the items of a new record: those of the record that it hides, with new ones instead of or after them. */
export function mergeItems(hidden: CopiedRecord | undefined, items: readonly BigData[]): BigData[] {
  const data = new Map(hidden?.data);
  for (const { key, bytes } of items) data.set(key, bytes);
  return Array.from(data, ([key, bytes]) => ({ key, bytes }));
}

/** Reads items of a record; those without a file are left out. */
export async function readItems(
  folder: ImagesFolder,
  record: ImageRecord,
  keys: readonly string[],
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const data = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const key of keys) {
    const bytes = await Deno.readFile(join(folder.path, record.id, bigDataFile(key))).catch(ignoreMissing);
    if (bytes) data.set(key, bytes);
  }
  return data;
}
