/**
 * Records of other rooms in a KV database: read with patience, changed by check-and-set.
 *
 * @module
 */
export { changeRecord, type Decision, type Revised } from "../change.ts";
export { Database } from "../database.ts";
