import { join } from "@std/path";
import type { FileContent } from "../../internal/host/room.ts";
import { digestOf, manifestDigest } from "../../spec/room.ts";
import { isManifestKey } from "../big_data.ts";
import { applyNames } from "../names.ts";
import type { BigData, NamesOperation } from "../types.ts";
import { ignoreMissing } from "./io_errors.ts";
import { bigDataFile } from "./layout.ts";
import type { RecordSet } from "./record_set.ts";
import { type ImageRecord, type StoredRecord, updateRecord } from "./records.ts";

/** Returns the set after a change of the names of a record. Names that other records have move to this one. */
export function changeNames(
  set: RecordSet,
  stored: StoredRecord,
  operation: NamesOperation,
  names: readonly string[],
): RecordSet {
  const { record } = stored;
  const newNames = applyNames(record.names, operation, names);
  let changed = set;
  for (const name of newNames) {
    const owner = changed.byName(name);
    if (!owner || owner.record.id === record.id) continue;
    const rest = applyNames(owner.record.names, "remove", [name]);
    changed = changed.with(owner.record.id, updateRecord(owner, { names: rest }));
  }
  const namesHistory = newNames.reduce<string[]>(
    (history, name) => [name, ...history.filter((other) => other !== name)],
    [...record.namesHistory],
  );
  return changed.with(record.id, updateRecord(stored, { names: newNames, namesHistory }));
}

/** Returns the members of a record that describe its big data, after some items were written. */
export function describeItems(record: ImageRecord, data: readonly BigData[]): Partial<ImageRecord> {
  const names = [...record.bigDataNames];
  const sizes = new Map(record.bigDataSizes);
  const digests = new Map(record.bigDataDigests);
  for (const { key, bytes } of data) {
    if (!names.includes(key)) names.push(key);
    sizes.set(key, bytes.length);
    digests.set(key, isManifestKey(key) ? manifestDigest(bytes) : digestOf(bytes));
  }
  const digest = record.digest ?? [...digests].find(([key]) => isManifestKey(key))?.[1];
  return { digest, bigDataNames: names, bigDataSizes: sizes, bigDataDigests: digests };
}

/** Returns the files to write for big data of a record in a folder, and creates their folder. */
export async function prepareItemFiles(path: string, id: string, data: readonly BigData[]): Promise<FileContent[]> {
  const folder = join(path, id);
  const files = data.map(({ key, bytes }) => ({ path: join(folder, bigDataFile(key)), content: bytes }));
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  // The caller holds the lock that every writer needs, so a temporary file belongs to a killed process.
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith(".tmp-")) await Deno.remove(join(folder, name)).catch(ignoreMissing);
  }
  return files;
}

/** Returns the current time as Go writes it: RFC 3339 without trailing zeros in the fraction of the second. */
export function now(): string {
  return new Date().toISOString().replace(/\.?0+Z$/, "Z");
}
