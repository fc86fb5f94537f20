import type { Database } from "./database.ts";
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

/** Finds a record by exact id, exact name or unique prefix of an id. */
export async function findRecord(db: Database, keys: Keys, nameOrId: string): Promise<FoundRecord | undefined> {
  if (nameOrId.length > MAX_NAME_LENGTH) return undefined;
  const [image, name] = await db.getMany<unknown>([keys.image(nameOrId), keys.name(nameOrId)]);
  const { value, versionstamp } = image!;
  if (value) return { id: nameOrId, record: value as KvRecord, versionstamp };
  const owner = name!.value as string | null;
  const named = owner === null ? undefined : await getRecord(db, keys, owner);
  if (named?.record.names.includes(nameOrId)) return named;
  // The name was given away since it was read: it is looked up once more.
  if (named) return await findRecord(db, keys, nameOrId);
  return await findByPrefix(db, keys, nameOrId);
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
