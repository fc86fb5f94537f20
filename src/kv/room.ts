/** Optimistic commits over a key-value store such as Deno KV. */
export { changeRecord, type Decide, type Decision, type Revised } from "./change.ts";
export { Database, type KvChange } from "./database.ts";
export type { Kv, KvAtomic, KvCheck, KvEntry, KvKey, KvKeyPart } from "./types.ts";
