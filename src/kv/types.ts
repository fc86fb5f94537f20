/** A part of a key of a KV database. */
export type KvKeyPart = Uint8Array | string | number | bigint | boolean | symbol;

/** A key of a KV database. */
export type KvKey = readonly KvKeyPart[];

/** A key, its value, and the version of that; `null` twice where there is nothing. */
export interface KvEntry<T = unknown> {
  /** The key. */
  readonly key: KvKey;
  /** The value, or `null`. */
  readonly value: T | null;
  /** Differs after each write; `null` where there is nothing. */
  readonly versionstamp: string | null;
}

/** What must still be so for a commit to happen: the version of a key, `null` for none. */
export type KvCheck = Pick<KvEntry, "key" | "versionstamp">;

/** Writes that happen together or not at all: what is used of `Deno.AtomicOperation`. */
export interface KvAtomic {
  /** Adds conditions. */
  check(...checks: { key: KvKey; versionstamp: string | null }[]): KvAtomic;
  /** Adds a value to write. */
  set(key: KvKey, value: unknown): KvAtomic;
  /** Adds a key to delete. */
  delete(key: KvKey): KvAtomic;
  /** Does it, unless a condition does not hold. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** A key-value database: what {@linkcode openKvStore} uses of `Deno.Kv`, so that no type of Deno is needed. */
export interface Kv {
  /** Reads up to ten keys at one moment, with strong consistency. */
  getMany(keys: KvKey[]): Promise<KvEntry[]>;
  /** Reads what is in a range, in the order of the keys. */
  list(
    selector: { prefix: KvKey } | { start: KvKey; end: KvKey },
    options?: { limit?: number; batchSize?: number },
  ): AsyncIterable<KvEntry>;
  /** Begins writes that happen together. */
  atomic(): KvAtomic;
}
