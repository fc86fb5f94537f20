import { delay } from "@std/async";
import { backoffDelay } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { Database, KvCheck, KvEntry } from "../../kv/room.ts";
import type { KvKeys } from "./keys.ts";
import type { KvRecord } from "./record.ts";

/** The heartbeat that a lock holder keeps renewing. */
interface Heartbeat {
  /** Time in milliseconds for which the lock stays held after this heartbeat. */
  readonly duration: number;
  /** End of that time in milliseconds since 1970, by the clock of the holder. */
  readonly until: number;
}

/**
 * Maximum difference between the clocks of two machines, in milliseconds, before a lease counts as expired by the
 * clock.
 */
const CLOCK_SKEW = 60_000;

/** Longest pause in milliseconds between two attempts to take a lock that another process holds. */
const MAX_PAUSE = 100;

/** Options for {@linkcode takeLease}. */
export interface TakeLeaseOptions {
  /** Time in milliseconds for which the lock stays held without a heartbeat. */
  duration: number;
  /** Aborts waiting for the lock. Default: waiting is not aborted. */
  signal?: AbortSignal | undefined;
}

/**
 * Waits for a lock and takes it. A lock is free if nobody holds it, or if its holder renewed no heartbeat for the
 * duration of its lease. That is measured by the local clock, which may differ from the clock of the holder.
 *
 * The record with the given id is read together with the lock, so that its holder need not read it again.
 */
export async function takeLease(
  db: Database,
  keys: KvKeys,
  { name, id }: { readonly name: string; readonly id: string },
  { duration, signal }: TakeLeaseOptions,
): Promise<Lease> {
  const token = crypto.randomUUID();
  const hasExpired = watchHeartbeats();
  for (let attempt = 0;; attempt++) {
    signal?.throwIfAborted();
    const [lock, heartbeat, record] = await db.getMany<unknown>([
      keys.lock(name),
      keys.lease(name),
      keys.image(id),
    ]) as [
      KvEntry,
      KvEntry<Heartbeat>,
      KvEntry<KvRecord>,
    ];
    if (lock.value === token) return new Lease(db, keys, { name, duration, versionstamp: lock.versionstamp!, record });
    if (lock.versionstamp === null || hasExpired(heartbeat)) {
      const sets = [[lock.key, token], [heartbeat.key, createHeartbeat(duration)]] as const;
      const versionstamp = await db.commit({ checks: [lock, heartbeat, record], sets });
      if (versionstamp) return new Lease(db, keys, { name, duration, versionstamp, record });
    }
    await delay(1 + backoffDelay(attempt, 2, MAX_PAUSE), signal ? { signal } : {});
  }
}

/** Returns a function that reports for each heartbeat that was read whether the lease has expired. */
function watchHeartbeats(): (heartbeat: KvEntry<Heartbeat>) => boolean {
  let last: string | null | undefined, since = 0;
  return ({ versionstamp, value }) => {
    if (versionstamp !== last) [last, since] = [versionstamp, performance.now()];
    return value === null || performance.now() - since > value.duration || Date.now() > value.until + CLOCK_SKEW;
  };
}

function createHeartbeat(duration: number): Heartbeat {
  return { duration, until: Date.now() + duration };
}

/**
 * A lock that is held while its holder renews the heartbeat. Writes under it fail once another process has taken it.
 */
export class Lease {
  /** Condition for every write under the lock: no other process has taken it. */
  readonly check: KvCheck;
  /** The record as it was when the lock was taken; `undefined` once it was written or found to be outdated. */
  record: KvEntry<KvRecord> | undefined;
  readonly #db: Database;
  readonly #keys: KvKeys;
  readonly #name: string;
  readonly #duration: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<void> = Promise.resolve();

  /** Starts to renew the heartbeat. `versionstamp` is the version of the lock's entry from when it was taken. */
  constructor(
    db: Database,
    keys: KvKeys,
    held: { name: string; duration: number; versionstamp: string; record: KvEntry<KvRecord> },
  ) {
    this.record = held.record;
    this.check = { key: keys.lock(held.name), versionstamp: held.versionstamp };
    this.#db = db;
    this.#keys = keys;
    this.#name = held.name;
    this.#duration = held.duration;
    this.#renewLater();
  }

  /** Throws `LOCK_UNAVAILABLE` if the lock's entry, as it was just read, belongs to another holder. */
  confirm({ versionstamp }: KvCheck): void {
    if (versionstamp === this.check.versionstamp) return;
    throw new ManifestsError(
      "LOCK_UNAVAILABLE",
      `Cannot write under the lock of ${this.#name}: another process has taken it, since no heartbeat was written for ${this.#duration} ms`,
    );
  }

  /** Releases the lock, unless another process has taken it. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#renewing;
    clearTimeout(this.#timer);
    const deletes = [this.check.key, this.#keys.lease(this.#name)];
    // All writes under the lock are made. If it cannot be released, it expires.
    await this.#db.commit({ checks: [this.check], deletes }).catch(() => {});
  }

  #renewLater(): void {
    // At a third of the duration, two heartbeats in a row may be lost or late.
    this.#timer = setTimeout(() => this.#renewing = this.#renew(), this.#duration / 3);
  }

  async #renew(): Promise<void> {
    const sets = [[this.#keys.lease(this.#name), createHeartbeat(this.#duration)]] as const;
    // A failure may be temporary, so the next renewal is tried. If they all fail, the lease expires and writes are
    // rejected.
    const renewed = await this.#db.commit({ checks: [this.check], sets }).catch(() => "");
    if (renewed !== undefined) this.#renewLater();
  }
}
