import type { Database, KvEntry } from "../../kv/room.ts";
import { type Keys, MAX_NAME_LENGTH } from "./keys.ts";
import type { KvRecord } from "./record.ts";

/** A record that was found. */
export interface FoundRecord {
  /** Its id. */
  readonly id: string;
  /** The record. */
  readonly record: KvRecord;
  /** Its version. */
  readonly versionstamp: string | null;
}

/**
 * Finds a record by exact id, exact name or unique prefix of an id.
 *
 * @param outdated Version of what a name led to when it led nowhere.
 */
export async function findRecord(
  db: Database,
  keys: Keys,
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
  // The name was given to another record since it was read.
  return await findRecord(db, keys, nameOrId, name.versionstamp!);
}

async function getRecord(db: Database, keys: Keys, id: string): Promise<FoundRecord | undefined> {
  const { value, versionstamp } = await db.get<KvRecord>(keys.image(id));
  return value ? { id, record: value, versionstamp } : undefined;
}

async function findByPrefix(db: Database, keys: Keys, prefix: string): Promise<FoundRecord | undefined> {
  if (!/^[0-9a-f]{1,63}$/.test(prefix)) return undefined;
  // "g" comes after every digit.
  const range = { start: keys.image(prefix), end: keys.image(`${prefix}g`) };
  const [only, another] = await db.list<KvRecord>(range, { limit: 2 });
  if (!only || another) return undefined;
  return { id: only.key.at(-1) as string, record: only.value!, versionstamp: only.versionstamp };
}
