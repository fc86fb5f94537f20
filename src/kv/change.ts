import { delay } from "@std/async";
import { backoffDelay } from "../internal/room.ts";
import type { Database, KvChange } from "./database.ts";
import type { KvCheck, KvEntry, KvKey } from "./types.ts";

/** Record with a revision, as {@linkcode changeRecord} writes it. */
export interface Revised {
  /**
   * Id of the write that produced this value, so that a writer whose commit was reported as failed can detect that it
   * succeeded. `undefined` in a record that is not written yet.
   */
  readonly revision?: string | undefined;
}

/** Lock that a caller of {@linkcode changeRecord} holds. */
export interface HeldLease {
  /** Condition of the commit that the lock is still held. */
  readonly check: KvCheck;
  /** Throws if the lock that was just read has another holder. */
  confirm(lock: KvCheck): void;
}

/** New value of a record, and further writes of the same commit. */
export interface Decision<R extends Revised> extends Partial<KvChange> {
  /** New value of the record; `undefined` deletes it. */
  readonly record: R | undefined;
}

/** Returns the change of a record, which is `undefined` if it does not exist. If it throws, nothing is written. */
export type Decide<R extends Revised> = (current: R | undefined) => Decision<R> | Promise<Decision<R>>;

/** Options for {@linkcode changeRecord}. */
export interface ChangeRecordOptions<R extends Revised> {
  /** Lock that must still be held when the change is committed. Default: no lock. */
  lease?: HeldLease | undefined;
  /** Entry of the record as it was read before, for the first attempt. Default: it is read. */
  known?: KvEntry<R> | undefined;
  /** Returns the change. Called again if another writer changed the record first. */
  decide: Decide<R>;
}

/**
 * Changes a record with optimistic concurrency: reads it, calls `decide`, and commits the change if the record is still
 * the one that was read; otherwise starts again. Returns the new record, `undefined` if it is deleted.
 *
 * @throws {ManifestsError} With code `LOCK_UNAVAILABLE` if the lock is lost; `STORE_IO` or `LIMIT_EXCEEDED` from the
 * database.
 */
export async function changeRecord<R extends Revised>(
  db: Database,
  key: KvKey,
  { lease, known, decide }: ChangeRecordOptions<R>,
): Promise<R | undefined> {
  const revision = crypto.randomUUID();
  for (let attempt = 0;; attempt++) {
    // The commit checks both entries, so a known one that is outdated costs only another attempt.
    const [entry, lock] = known && attempt === 0
      ? [known]
      : await db.getMany<R>([key, ...(lease ? [lease.check.key] : [])]) as [KvEntry<R>, KvEntry?];
    // A remote database may have made our commit although it reported a failure.
    if (entry.value?.revision === revision) return entry.value;
    if (lock) lease?.confirm(lock);
    const { checks = [], sets = [], deletes = [], ...decided } = await decide(entry.value ?? undefined);
    const record = decided.record && { ...decided.record, revision };
    const committed = await db.commit({
      checks: [entry, ...(lease ? [lease.check] : []), ...checks],
      sets: record ? [...sets, [key, record]] : sets,
      deletes: record ? deletes : [...deletes, key],
    });
    if (committed !== undefined) return record;
    // 2 ms at first and at most 50 ms: a conflict is resolved as soon as the other commit is done.
    await delay(backoffDelay(attempt, 2, 50));
  }
}
