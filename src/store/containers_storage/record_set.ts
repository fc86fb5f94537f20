import type { StoredRecord } from "./records.ts";

/** An immutable snapshot of the records in an `images.json`, with indexes for look-ups. */
export class RecordSet {
  /** All records, in the order of the file. */
  readonly records: readonly StoredRecord[];
  readonly #byId = new Map<string, StoredRecord>();
  readonly #byName = new Map<string, StoredRecord>();

  constructor(records: readonly StoredRecord[]) {
    this.records = records;
    for (const stored of records) {
      this.#byId.set(stored.record.id, stored);
      for (const name of stored.record.names) this.#byName.set(name, stored);
    }
  }

  /** Returns the record with exactly this id. */
  byId(id: string): StoredRecord | undefined {
    return this.#byId.get(id);
  }

  /** Returns the record with exactly this name. */
  byName(name: string): StoredRecord | undefined {
    return this.#byName.get(name);
  }

  /** Finds a record by exact id, exact name, or a prefix that only one id has. */
  find(nameOrId: string): StoredRecord | undefined {
    const exact = this.byId(nameOrId) ?? this.byName(nameOrId);
    if (exact || nameOrId === "") return exact;
    const prefixed = this.records.filter(({ record }) => record.id.startsWith(nameOrId));
    return prefixed.length === 1 ? prefixed[0] : undefined;
  }

  /** Returns a set in which one record is replaced, added if its id is new, or removed if `stored` is `undefined`. */
  with(id: string, stored: StoredRecord | undefined): RecordSet {
    const known = this.#byId.has(id);
    const records = known
      ? this.records.flatMap((other) => other.record.id === id ? (stored ? [stored] : []) : [other])
      : [...this.records, ...(stored ? [stored] : [])];
    return new RecordSet(records);
  }
}
