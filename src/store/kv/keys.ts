import type { KvKey } from "../../kv/room.ts";

/** Longest name of a record, in UTF-16 units: a key of Deno KV has at most 2048 bytes. References are shorter. */
export const MAX_NAME_LENGTH = 512;

/** The database keys of a store, all below its prefix. */
export class KvKeys {
  readonly #prefix: KvKey;

  /** Creates keys below a prefix. */
  constructor(prefix: KvKey) {
    this.#prefix = [...prefix];
  }

  /** Key of the note that describes the store: its format and its id. */
  store(): KvKey {
    return [...this.#prefix, "store"];
  }

  /** Prefix of the keys of all records. */
  images(): KvKey {
    return [...this.#prefix, "image"];
  }

  /** Key of the record with an id. */
  image(id: string): KvKey {
    return [...this.images(), id];
  }

  /** Key of a name; its value is the id of the record that has the name. */
  name(name: string): KvKey {
    return [...this.#prefix, "name", name];
  }

  /** Key of one chunk of a blob; the first chunk has index 0. */
  chunk(blob: string, index: number): KvKey {
    return [...this.#prefix, "chunk", blob, index];
  }

  /** Prefix of the keys of all blobs that were written before their record. */
  allStaged(): KvKey {
    return [...this.#prefix, "staged"];
  }

  /** Key of the note about a blob that was written before its record. */
  staged(blob: string): KvKey {
    return [...this.allStaged(), blob];
  }

  /**
   * Key of a lock's holder. It is written only when the lock is taken, so its version stays the same while it is held.
   */
  lock(name: string): KvKey {
    return [...this.#prefix, "lock", name];
  }

  /** Key of the heartbeat that the holder of a lock keeps renewing. */
  lease(name: string): KvKey {
    return [...this.#prefix, "lease", name];
  }
}
