import { join } from "@std/path";
import type { ImagesFolder } from "./images.ts";
import { bigDataFile } from "./layout.ts";
import type { RecordSet } from "./record_set.ts";
import type { ImageRecord, StoredRecord } from "./records.ts";

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

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
