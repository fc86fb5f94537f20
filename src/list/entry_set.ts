import { ManifestsError } from "../spec/room.ts";
import type { Entry } from "./entry.ts";

/** The entries of a list in their order. Look-ups by digest and removals take constant time. */
export class EntrySet {
  // A set keeps the order of the list and forgets in constant time.
  readonly #entries = new Set<Entry>();
  readonly #byDigest = new Map<string, Entry[]>();

  /** Number of entries; entries with the same digest count separately. */
  get size(): number {
    return this.#entries.size;
  }

  /** Iterates over the entries in the order of the list. */
  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /**
   * Returns the first entry with a digest.
   *
   * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND`.
   */
  get(digest: string): Entry {
    const entry = this.#byDigest.get(digest)?.[0];
    if (entry) return entry;
    throw new ManifestsError(
      "INSTANCE_NOT_FOUND",
      `Cannot find instance ${
        JSON.stringify(digest)
      }: no image instance matching the specified digest was found in the list or index`,
    );
  }

  /** Adds an entry at the end. */
  append(entry: Entry): void {
    this.#entries.add(entry);
    const same = this.#byDigest.get(entry.digest);
    if (same) same.push(entry);
    else this.#byDigest.set(entry.digest, [entry]);
  }

  /** Removes all entries with a digest. */
  drop(digest: string): void {
    for (const entry of this.#byDigest.get(digest) ?? []) this.#entries.delete(entry);
    this.#byDigest.delete(digest);
  }
}
