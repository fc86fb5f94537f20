/**
 * A store of image records in a KV database, such as Deno KV: for hosts without a disk, and for many machines that
 * share the same lists.
 *
 * @module
 */
export { openKvStore, type OpenKvStoreOptions } from "./open.ts";
export type { Kv, KvAtomic } from "../../kv/room.ts";
