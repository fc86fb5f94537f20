/**
 * Records of other rooms in a KV database: read with patience, changed by check-and-set.
 *
 * @module
 */
export { changeRecord, type ChangeRecordOptions, type Decide, type Decision, type Revised } from "../change.ts";
export { Database, type KvChange } from "../database.ts";
