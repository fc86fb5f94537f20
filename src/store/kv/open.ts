import { ManifestsError } from "../../spec/room.ts";
import type { ImageStore } from "../types.ts";
import { Database, type Kv, type KvEntry, type KvKey } from "../../kv/room.ts";
import { Keys } from "./keys.ts";
import { KvStore } from "./store.ts";

/** Options for {@linkcode openKvStore}. */
export interface OpenKvStoreOptions {
  /**
   * The keys below which the store is: a database may hold several stores, and other things beside them.
   *
   * @default {["multiarch", "manifests"]}
   */
  prefix?: KvKey | undefined;
  /**
   * For how many milliseconds a lock is held without sign of life from its holder, who gives three in that time. So
   * long the others wait when one is killed, and so long may one be stalled without losing its lock.
   *
   * @default {15_000}
   */
  leaseDuration?: number | undefined;
}

/** The form in which the store is written; another one would get another number. */
const FORMAT = 1;

interface StoreNote {
  format: number;
  id: string;
}

/**
 * Opens a store in a KV database, and makes it where there is none: SQLite on a disk, FoundationDB on Deno Deploy.
 * `kv` is what `Deno.openKv()` returned, which is called with `--unstable-kv`; it remains yours to close. Several
 * processes and machines may work on one store at once. Each change is one commit that checks what it replaces, so
 * that whoever reads never sees half of one, whenever a process is killed.
 *
 * A record holds at most 24 MB and some ninety names. In a file, `Deno.openKv` itself may fail with "database is locked"
 * while another process makes the database; call it again.
 *
 * Locks (those of `editList` too) are leases. Who holds one and stalls for longer than `leaseDuration` may lose it;
 * what is then written to the locked record through the same store fails with code `LOCK_UNAVAILABLE`, before anything is changed.
 *
 * @throws {ManifestsError} With code `STORE_IO` where the database fails; `STORE_CORRUPT` where a newer version of
 * this module wrote the store.
 * @throws {RangeError} Where `leaseDuration` is no positive number.
 *
 * @example
 * ```ts
 * import { create, editList, loadFromImage } from "@multiarch/manifests";
 * import { openKvStore } from "@multiarch/manifests/store/kv";
 * import assert from "node:assert/strict";
 *
 * using kv = await Deno.openKv(":memory:");
 * await using store = await openKvStore(kv);
 * await create().saveToImage(store, { names: ["app:1"] });
 * await editList(store, "app:1", (list) => list.setAnnotations(undefined, { team: "release" }));
 * assert.deepEqual((await loadFromImage(store, "app:1")).list.annotations(undefined), { team: "release" });
 * ```
 */
export async function openKvStore(kv: Kv, options: OpenKvStoreOptions = {}): Promise<ImageStore> {
  const { prefix = ["multiarch", "manifests"], leaseDuration = 15_000 } = options;
  if (!(leaseDuration > 0 && Number.isFinite(leaseDuration))) {
    throw new RangeError(
      `Cannot open the store as leaseDuration must be a positive number of milliseconds: current value is ${leaseDuration}`,
    );
  }
  const db = new Database(kv);
  const keys = new Keys(prefix);
  const { format, id } = await noteOf(db, keys);
  if (format !== FORMAT) {
    throw new ManifestsError(
      "STORE_CORRUPT",
      `Cannot open the store as its format is ${format}: only ${FORMAT} is known`,
    );
  }
  return new KvStore({ db, keys, id, leaseDuration });
}

/** What the store says of itself: its id is the same for all who open it, so whoever is first writes it. */
async function noteOf(db: Database, keys: Keys): Promise<StoreNote> {
  const entry: KvEntry<StoreNote> = await db.get(keys.store());
  if (entry.value) return entry.value;
  const note: StoreNote = { format: FORMAT, id: crypto.randomUUID() };
  return await db.commit({ checks: [entry], sets: [[entry.key, note]] }) ? note : await noteOf(db, keys);
}
