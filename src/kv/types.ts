/** Part of a key in a KV database. */
export type KvKeyPart = Uint8Array | string | number | bigint | boolean | symbol;

/** Key in a KV database. */
export type KvKey = readonly KvKeyPart[];

/** Entry of a KV database: a key, its value and the version of the value. */
export interface KvEntry<T = unknown> {
  /** Key under which the value is stored. */
  readonly key: KvKey;
  /** Value of the entry; `null` if the key does not exist. */
  readonly value: T | null;
  /** Version, which every write changes; `null` if the key does not exist. */
  readonly versionstamp: string | null;
}

/** Condition of a commit: the version that a key must still have, `null` if it must not exist. */
export type KvCheck = Pick<KvEntry, "key" | "versionstamp">;

/** Writes that are committed together or not at all: the subset of `Deno.AtomicOperation` that is used. */
export interface KvAtomic {
  /** Adds conditions to the commit. */
  check(...checks: { key: KvKey; versionstamp: string | null }[]): KvAtomic;
  /** Adds a value to write. */
  set(key: KvKey, value: unknown): KvAtomic;
  /** Adds a key to delete. */
  delete(key: KvKey): KvAtomic;
  /** Commits the writes; `ok` is `false` if a condition does not hold. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** Key-value database: the subset of `Deno.Kv` that is used, so that no type of Deno is needed. */
export interface Kv {
  /** Reads up to ten keys from one snapshot, with strong consistency. */
  getMany(keys: KvKey[]): Promise<KvEntry[]>;
  /** Reads the entries in a range, in the order of their keys. */
  list(
    selector: { prefix: KvKey } | { start: KvKey; end: KvKey },
    options?: { limit?: number; batchSize?: number },
  ): AsyncIterable<KvEntry>;
  /** Begins writes that are committed together. */
  atomic(): KvAtomic;
}
