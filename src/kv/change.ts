import { delay } from "@std/async";
import { backoffDelay } from "../internal/room.ts";
import type { Database, KvChange } from "./database.ts";
import type { KvCheck, KvEntry, KvKey } from "./types.ts";

/** A value that {@linkcode changeRecord} changes. */
export interface Revised {
  /** Which write made it so: who is told that a commit failed although it was made finds out by this. */
  readonly revision?: string | undefined;
}

/** The lock under which a record is changed. */
export interface HeldLease {
  /** The condition that the lock is still held. */
  readonly check: KvCheck;
  /** Throws if the lock, as it was just read, has another holder. */
  confirm(lock: KvCheck): void;
}

/** What becomes of a record, and what is committed together with it. */
export interface Decision<R extends Revised> extends Partial<KvChange> {
  /** The record as it shall be; `undefined` to delete it. */
  readonly record: R | undefined;
}

/** Decides what becomes of a record, which is `undefined` where there is none; throws to leave all as it is. */
export type Decide<R extends Revised> = (there: R | undefined) => Decision<R> | Promise<Decision<R>>;

/** Options for {@linkcode changeRecord}. */
export interface ChangeRecordOptions<R extends Revised> {
  /** The lock under which it is changed: nothing is written once somebody else has it. */
  lease?: HeldLease | undefined;
  /** Decides. Called again where somebody else was faster. */
  decide: Decide<R>;
}

/**
 * Reads a record, decides, and commits that if the record is still as it was read; again where it is not. Returns the
 * record.
 *
 * @throws {ManifestsError} With code `LOCK_UNAVAILABLE` where the lock is lost.
 */
export async function changeRecord<R extends Revised>(
  db: Database,
  key: KvKey,
  { lease, decide }: ChangeRecordOptions<R>,
): Promise<R | undefined> {
  const revision = crypto.randomUUID();
  for (let attempt = 0;; attempt++) {
    const [entry, lock] = await db.getMany<R>([key, ...(lease ? [lease.check.key] : [])]) as [
      KvEntry<R>,
      KvEntry?,
    ];
    // A distant database may have made a commit of which we were told that it failed.
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
    await delay(backoffDelay(attempt, 2, 50));
  }
}
