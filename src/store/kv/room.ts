/**
 * A store of image records in a KV database, such as Deno KV: where there is no disk, and where many machines work on
 * the same lists.
 *
 * @module
 */
export { openKvStore, type OpenKvStoreOptions } from "./open.ts";
export type { Kv, KvAtomic, KvEntry, KvKey, KvKeyPart } from "../../kv/room.ts";
