import { delay } from "@std/async";
import { backoffDelay } from "../../internal/mod.ts";
import type { Database, KvChange } from "./database.ts";
import type { Lease } from "./lease.ts";
import type { KvRecord } from "./record.ts";
import type { KvEntry, KvKey } from "./types.ts";

/** What becomes of a record, and what is committed together with it. */
export interface Decision extends Partial<KvChange> {
  /** The record as it shall be; `undefined` to delete it. */
  readonly record: KvRecord | undefined;
}

/** Decides what becomes of a record, which is `undefined` where there is none; throws to leave all as it is. */
export type Decide = (there: KvRecord | undefined) => Decision | Promise<Decision>;

/** Options for {@linkcode changeRecord}. */
export interface ChangeRecordOptions {
  /** The lock under which it is changed: nothing is written once somebody else has it. */
  lease?: Lease | undefined;
  /** Decides. Called again where somebody else was faster. */
  decide: Decide;
}

/**
 * Reads a record, decides, and commits that if the record is still as it was read; again where it is not. Returns the
 * record.
 *
 * @throws {ManifestsError} With code `LOCK_UNAVAILABLE` where the lock is lost.
 */
export async function changeRecord(
  db: Database,
  key: KvKey,
  { lease, decide }: ChangeRecordOptions,
): Promise<KvRecord | undefined> {
  const revision = crypto.randomUUID();
  for (let attempt = 0;; attempt++) {
    const [entry, lock] = await db.getMany<KvRecord>([key, ...(lease ? [lease.check.key] : [])]) as [
      KvEntry<KvRecord>,
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
