import { delay } from "@std/async";
import { backoffDelay } from "../internal/room.ts";
import { ManifestsError } from "../errors/room.ts";
import type { Kv, KvCheck, KvEntry, KvKey } from "./types.ts";

/** Writes that are committed together if all conditions hold. */
export interface KvChange {
  /** Versions that the keys must still have. */
  checks: readonly KvCheck[];
  /** Values to write, by key. Default: none. */
  sets?: readonly (readonly [key: KvKey, value: unknown])[];
  /** Keys to delete. Default: none. */
  deletes?: readonly KvKey[];
}

/** Maximum number of keys that one read of Deno KV accepts. */
const READ_LIMIT = 10;

/** Largest batch that Deno KV returns, so that most lists are read from one snapshot. */
const BATCH_SIZE = 500;

/** Time for which a locked database is tried again, in milliseconds. After that, it is assumed to be stuck. */
const LOCK_TIMEOUT = 60_000;

/**
 * KV database that waits while it is locked: SQLite, which Deno KV uses locally, fails with "database is locked" while
 * another process writes. Other failures are `ManifestsError`s with code `STORE_IO`, or `LIMIT_EXCEEDED` for values or
 * keys that are too large.
 */
export class Database {
  readonly #kv: Kv;

  /** Wraps a database, which the caller closes. */
  constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** Reads the entry of one key. */
  async get<T>(key: KvKey): Promise<KvEntry<T>> {
    return (await this.getMany<T>([key]))[0]!;
  }

  /** Reads the entries of keys. Each group of ten is read from one snapshot. */
  async getMany<T>(keys: readonly KvKey[]): Promise<KvEntry<T>[]> {
    const groups = Array.from(
      { length: Math.ceil(keys.length / READ_LIMIT) },
      (_, i) => keys.slice(i * READ_LIMIT, (i + 1) * READ_LIMIT),
    );
    const read = (group: KvKey[]) => this.#persist("read", () => this.#kv.getMany(group));
    return (await Promise.all(groups.map(read))).flat() as KvEntry<T>[];
  }

  /** Lists the entries below a prefix or in a range, in the order of their keys. */
  async list<T>(
    selector: { prefix: KvKey } | { start: KvKey; end: KvKey },
    options: { limit?: number } = {},
  ): Promise<KvEntry<T>[]> {
    const read = async () => {
      const entries: KvEntry[] = [];
      for await (const entry of this.#kv.list(selector, { ...options, batchSize: BATCH_SIZE })) entries.push(entry);
      return entries;
    };
    return await this.#persist("read", read) as KvEntry<T>[];
  }

  /** Commits a change and returns its version; `undefined` if a condition does not hold, so that nothing is written. */
  async commit({ checks, sets = [], deletes = [] }: KvChange): Promise<string | undefined> {
    return await this.#persist("write to", async () => {
      const atomic = this.#kv.atomic();
      for (const { key, versionstamp } of checks) atomic.check({ key, versionstamp });
      for (const key of deletes) atomic.delete(key);
      for (const [key, value] of sets) atomic.set(key, value);
      const result = await atomic.commit();
      return result.ok ? result.versionstamp : undefined;
    });
  }

  async #persist<T>(verb: string, work: () => Promise<T>): Promise<T> {
    const end = performance.now() + LOCK_TIMEOUT;
    for (let attempt = 0;; attempt++) {
      try {
        return await work();
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        // SQLite reports "database is locked" or "database is busy"; Deno KV gives no code.
        if (!/\b(locked|busy)\b/i.test(reason) || performance.now() > end) throw failure(verb, reason, cause);
        await delay(backoffDelay(attempt, 2, 50));
      }
    }
  }
}

function failure(verb: string, reason: string, cause: unknown): ManifestsError {
  const code = /too (large|many)/i.test(reason) ? "LIMIT_EXCEEDED" : "STORE_IO";
  return new ManifestsError(code, `Cannot ${verb} the KV database: ${reason}`, { cause });
}
