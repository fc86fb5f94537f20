import type { KvKey } from "../../kv/room.ts";

/** Longest name of a record, in UTF-16 units: a key of Deno KV has at most 2048 bytes. References are shorter. */
export const MAX_NAME_LENGTH = 512;

/** Where a store keeps what, below its prefix. */
export class Keys {
  readonly #prefix: KvKey;

  /** Keys below a prefix. */
  constructor(prefix: KvKey) {
    this.#prefix = [...prefix];
  }

  /** What the store says of itself. */
  store(): KvKey {
    return [...this.#prefix, "store"];
  }

  /** All records. */
  images(): KvKey {
    return [...this.#prefix, "image"];
  }

  /** A record. */
  image(id: string): KvKey {
    return [...this.images(), id];
  }

  /** The id of the record that has a name. */
  name(name: string): KvKey {
    return [...this.#prefix, "name", name];
  }

  /** A piece of a blob. */
  chunk(blob: string, index: number): KvKey {
    return [...this.#prefix, "chunk", blob, index];
  }

  /** All blobs that were written before their record. */
  allStaged(): KvKey {
    return [...this.#prefix, "staged"];
  }

  /** A blob that was written before its record. */
  staged(blob: string): KvKey {
    return [...this.allStaged(), blob];
  }

  /** Who holds a lock: written when it is taken, so that its version is the same as long as it is held. */
  lock(name: string): KvKey {
    return [...this.#prefix, "lock", name];
  }

  /** That who holds a lock still lives: written again and again. */
  lease(name: string): KvKey {
    return [...this.#prefix, "lease", name];
  }
}
