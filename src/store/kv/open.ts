import { ManifestsError } from "../../spec/room.ts";
import type { ImageStore } from "../types.ts";
import { Database, type Kv, type KvEntry, type KvKey } from "../../kv/room.ts";
import { KvKeys } from "./keys.ts";
import { KvStore } from "./store.ts";

/** Options for {@linkcode openKvStore}. */
export interface OpenKvStoreOptions {
  /**
   * Prefix of all keys of the store. A database may hold several stores, and other data in addition to them.
   *
   * @default {["multiarch", "manifests"]}
   */
  prefix?: KvKey | undefined;
  /**
   * Time in milliseconds for which a lock stays held without a heartbeat of its holder, which writes three in that
   * time. When a holder is killed, others wait as long as this. A holder may stall as long as this without losing its
   * lock.
   *
   * @default {15_000}
   */
  leaseDuration?: number | undefined;
}

/** Format in which the store is written. An incompatible format would get another number. */
const FORMAT = 1;

interface StoreNote {
  format: number;
  id: string;
}

/**
 * Opens a store in a KV database, and creates it if it does not exist: SQLite on a disk, FoundationDB on Deno Deploy.
 * `kv` is the result of `Deno.openKv()`, which requires `--unstable-kv`; the caller closes it. Several processes and
 * machines may use one store at the same time. Each change is one commit that checks what it replaces, so a reader
 * never sees half a change, even if a process is killed.
 *
 * A record holds at most 24,576,000 bytes and about ninety names; more fails with code `LIMIT_EXCEEDED`. For a database
 * in a file, `Deno.openKv` itself may fail with "database is locked" while another process creates the database; call it
 * again.
 *
 * Locks, including those of `editList`, are leases. A holder that stalls for longer than `leaseDuration` may lose its
 * lock. Its next write to the locked record through the same store then fails with code `LOCK_UNAVAILABLE`, before
 * anything is changed.
 *
 * @throws {ManifestsError} With code `STORE_IO` if the database fails; `STORE_CORRUPT` if a newer version of this
 * module wrote the store.
 * @throws {RangeError} If `leaseDuration` is not a positive number.
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
      `Cannot open the store: leaseDuration must be a positive number of milliseconds, current value is ${leaseDuration}`,
    );
  }
  const db = new Database(kv);
  const keys = new KvKeys(prefix);
  const { format, id } = await readNote(db, keys);
  if (format !== FORMAT) {
    throw new ManifestsError(
      "STORE_CORRUPT",
      `Cannot open the store: it has format ${format}, and this version of the module supports only format ${FORMAT}`,
    );
  }
  return new KvStore({ db, keys, id, leaseDuration });
}

/**
 * Reads the note that describes the store, or writes it. The id must be equal for all, so only the first write is kept.
 */
async function readNote(db: Database, keys: KvKeys): Promise<StoreNote> {
  const entry: KvEntry<StoreNote> = await db.get(keys.store());
  if (entry.value) return entry.value;
  const note: StoreNote = { format: FORMAT, id: crypto.randomUUID() };
  return await db.commit({ checks: [entry], sets: [[entry.key, note]] }) ? note : await readNote(db, keys);
}
