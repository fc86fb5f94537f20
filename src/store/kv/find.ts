import type { Database, KvEntry } from "../../kv/room.ts";
import { type KvKeys, MAX_NAME_LENGTH } from "./keys.ts";
import type { KvRecord } from "./record.ts";

/** A record that was found in the database. */
export interface FoundRecord {
  /** Id of the record, 64 hexadecimal digits. */
  readonly id: string;
  /** Content of the record, as stored. */
  readonly record: KvRecord;
  /** Version of the database entry that has the record. */
  readonly versionstamp: string | null;
}

/**
 * Finds a record by exact id, exact name or unique prefix of an id. Returns `undefined` if there is none.
 *
 * @param outdated Version of the name's entry that led to a record without this name. An entry that still has this
 * version is ignored.
 */
export async function findRecord(
  db: Database,
  keys: KvKeys,
  nameOrId: string,
  outdated?: string,
): Promise<FoundRecord | undefined> {
  if (nameOrId.length > MAX_NAME_LENGTH) return undefined;
  const [image, name] = await db.getMany([keys.image(nameOrId), keys.name(nameOrId)]) as [
    KvEntry<KvRecord>,
    KvEntry<string>,
  ];
  if (image.value) return { id: nameOrId, record: image.value, versionstamp: image.versionstamp };
  if (name.value === null || name.versionstamp === outdated) return await findByPrefix(db, keys, nameOrId);
  const named = await getRecord(db, keys, name.value);
  if (named?.record.names.includes(nameOrId)) return named;
  // The name was moved to another record after it was read.
  return await findRecord(db, keys, nameOrId, name.versionstamp!);
}

async function getRecord(db: Database, keys: KvKeys, id: string): Promise<FoundRecord | undefined> {
  const { value, versionstamp } = await db.get<KvRecord>(keys.image(id));
  return value ? { id, record: value, versionstamp } : undefined;
}

async function findByPrefix(db: Database, keys: KvKeys, prefix: string): Promise<FoundRecord | undefined> {
  if (!/^[0-9a-f]{1,63}$/.test(prefix)) return undefined;
  // "g" sorts after every hexadecimal digit.
  const range = { start: keys.image(prefix), end: keys.image(`${prefix}g`) };
  const [only, another] = await db.list<KvRecord>(range, { limit: 2 });
  if (!only || another) return undefined;
  return { id: only.key.at(-1) as string, record: only.value!, versionstamp: only.versionstamp };
}
