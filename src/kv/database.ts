import { delay } from "@std/async";
import { backoffDelay } from "../internal/room.ts";
import { ManifestsError } from "../errors/room.ts";
import type { Kv, KvCheck, KvEntry, KvKey } from "./types.ts";

/** Writes that happen together, as long as all conditions hold. */
export interface KvChange {
  /** The conditions. */
  checks: readonly KvCheck[];
  /** What is written. */
  sets?: readonly (readonly [key: KvKey, value: unknown])[];
  /** What is deleted. */
  deletes?: readonly KvKey[];
}

/** How many keys Deno KV reads at once. */
const READ_LIMIT = 10;

/** As many entries as Deno KV hands out at once, so that most lists are read at one moment. */
const BATCH_SIZE = 500;

/** How long a database may refuse because others use it, in milliseconds: one that is stuck must be told of. */
const PATIENCE = 60_000;

/**
 * A KV database with patience: SQLite, on which Deno KV stands locally, refuses ("database is locked") while another
 * process writes, instead of waiting. What else fails has code `STORE_IO`, or `LIMIT_EXCEEDED` for what is too large.
 */
export class Database {
  readonly #kv: Kv;

  /** Wraps a database that stays its owner's. */
  constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** Reads one key. */
  async get<T>(key: KvKey): Promise<KvEntry<T>> {
    return (await this.getMany<T>([key]))[0]!;
  }

  /** Reads keys, each ten of them at one moment. */
  async getMany<T>(keys: readonly KvKey[]): Promise<KvEntry<T>[]> {
    const groups = Array.from(
      { length: Math.ceil(keys.length / READ_LIMIT) },
      (_, i) => keys.slice(i * READ_LIMIT, (i + 1) * READ_LIMIT),
    );
    const read = (group: KvKey[]) => this.#persist("read", () => this.#kv.getMany(group));
    return (await Promise.all(groups.map(read))).flat() as KvEntry<T>[];
  }

  /** Reads what is below a prefix or in a range. */
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

  /** Writes all of it and returns its version, or nothing of it and `undefined` where a condition does not hold. */
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
    const end = performance.now() + PATIENCE;
    for (let attempt = 0;; attempt++) {
      try {
        return await work();
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
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
