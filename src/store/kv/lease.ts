import { delay } from "@std/async";
import { backoffDelay } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { Database, KvCheck, KvEntry } from "../../kv/room.ts";
import type { Keys } from "./keys.ts";

/** What who holds a lock writes again and again. */
interface Sign {
  /** For how many milliseconds nobody may doubt it. */
  readonly duration: number;
  /** When that ends, by the clock of the holder. */
  readonly until: number;
}

/** How far apart two clocks may be, in milliseconds, before one is believed that says that a lease ended. */
const CLOCK_SKEW = 60_000;

/** Longest pause between two looks at a lock that somebody else has, in milliseconds. */
const MAX_PAUSE = 100;

/** Options for {@linkcode takeLease}. */
export interface TakeLeaseOptions {
  /** For how long it is held without sign of life, in milliseconds. */
  duration: number;
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
}

/**
 * Waits for a lock and takes it. It is free, or its holder gave no sign of life for as long as it promised to: by our
 * own clock, which need not agree with the holder's.
 */
export async function takeLease(db: Database, keys: Keys, name: string, options: TakeLeaseOptions): Promise<Lease> {
  const { duration, signal } = options;
  const token = crypto.randomUUID();
  const isOver = watchSigns();
  for (let attempt = 0;; attempt++) {
    signal?.throwIfAborted();
    const [lock, sign] = await db.getMany<unknown>([keys.lock(name), keys.lease(name)]) as [KvEntry, KvEntry<Sign>];
    if (lock.value === token) return new Lease(db, keys, { name, duration, versionstamp: lock.versionstamp! });
    if (lock.versionstamp === null || isOver(sign)) {
      const sets = [[lock.key, token], [sign.key, newSign(duration)]] as const;
      const versionstamp = await db.commit({ checks: [lock, sign], sets });
      if (versionstamp) return new Lease(db, keys, { name, duration, versionstamp });
    }
    await delay(1 + backoffDelay(attempt, 2, MAX_PAUSE), signal ? { signal } : {});
  }
}

/** Tells of each sign that is read whether it is over. */
function watchSigns(): (sign: KvEntry<Sign>) => boolean {
  let last: string | null | undefined, since = 0;
  return ({ versionstamp, value }) => {
    if (versionstamp !== last) [last, since] = [versionstamp, performance.now()];
    return value === null || performance.now() - since > value.duration || Date.now() > value.until + CLOCK_SKEW;
  };
}

function newSign(duration: number): Sign {
  return { duration, until: Date.now() + duration };
}

/** A lock that is held as long as its holder gives signs of life; writes under it fail once somebody else took it. */
export class Lease {
  /** Holds as long as nobody else took the lock: to be checked by each write under it. */
  readonly check: KvCheck;
  readonly #db: Database;
  readonly #keys: Keys;
  readonly #name: string;
  readonly #duration: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<void> = Promise.resolve();

  /** Begins to give signs of life. `versionstamp` is that of the lock, from when it was taken. */
  constructor(db: Database, keys: Keys, held: { name: string; duration: number; versionstamp: string }) {
    this.check = { key: keys.lock(held.name), versionstamp: held.versionstamp };
    this.#db = db;
    this.#keys = keys;
    this.#name = held.name;
    this.#duration = held.duration;
    this.#renewLater();
  }

  /** Throws with code `LOCK_UNAVAILABLE` where the lock, as it was just read, is somebody else's. */
  confirm({ versionstamp }: KvCheck): void {
    if (versionstamp === this.check.versionstamp) return;
    throw new ManifestsError(
      "LOCK_UNAVAILABLE",
      `Cannot write under the lock of ${this.#name} as it was given to somebody else: its holder gave no sign of life for ${this.#duration} ms`,
    );
  }

  /** Gives the lock back, if it is still ours. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#renewing;
    clearTimeout(this.#timer);
    const deletes = [this.check.key, this.#keys.lease(this.#name)];
    // Whoever wrote under the lock has written; a lock that cannot be given back ends by itself.
    await this.#db.commit({ checks: [this.check], deletes }).catch(() => {});
  }

  #renewLater(): void {
    // Two signs may be lost or late.
    this.#timer = setTimeout(() => this.#renewing = this.#renew(), this.#duration / 3);
  }

  async #renew(): Promise<void> {
    const sets = [[this.#keys.lease(this.#name), newSign(this.#duration)]] as const;
    // What went wrong may be over next time; if it is not, the lease ends, and writes say so.
    const renewed = await this.#db.commit({ checks: [this.check], sets }).catch(() => "");
    if (renewed !== undefined) this.#renewLater();
  }
}
