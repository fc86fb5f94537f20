import type { StoredRecord } from "./records.ts";

/** An immutable snapshot of the records in an `images.json`, in which records are looked up. */
export class RecordSet {
  /** All records, in the order of the file. */
  readonly records: readonly StoredRecord[];
  #byId: Map<string, StoredRecord> | undefined;
  #byName: Map<string, StoredRecord> | undefined;

  constructor(records: readonly StoredRecord[]) {
    this.records = records;
  }

  /** Returns the record with exactly this id. */
  byId(id: string): StoredRecord | undefined {
    return (this.#byId ??= new Map(this.records.map((stored) => [stored.id, stored]))).get(id);
  }

  /** Returns the record with exactly this name. */
  byName(name: string): StoredRecord | undefined {
    const list = () => this.records.flatMap((stored) => stored.names.map((name) => [name, stored] as const));
    return (this.#byName ??= new Map(list())).get(name);
  }

  /**
   * Finds a record by exact id, exact name, or a prefix that only one id has. It makes no indexes, because most processes
   * look up one or two names.
   */
  find(nameOrId: string): StoredRecord | undefined {
    const exact = this.records.findLast(({ id }) => id === nameOrId) ??
      this.records.findLast(({ names }) => names.includes(nameOrId));
    if (exact || nameOrId === "") return exact;
    const prefixed = this.records.filter(({ id }) => id.startsWith(nameOrId));
    return prefixed.length === 1 ? prefixed[0] : undefined;
  }

  /** Returns a set in which one record is replaced, added if its id is new, or removed if `stored` is `undefined`. */
  with(id: string, stored: StoredRecord | undefined): RecordSet {
    const known = this.byId(id) !== undefined;
    const records = known
      ? this.records.flatMap((other) => other.id === id ? (stored ? [stored] : []) : [other])
      : [...this.records, ...(stored ? [stored] : [])];
    return new RecordSet(records);
  }
}
