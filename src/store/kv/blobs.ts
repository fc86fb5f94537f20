import { concatBytes } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { BigData } from "../types.ts";
import type { Database, KvChange, KvKey } from "../../kv/room.ts";
import type { KvKeys } from "./keys.ts";
import { describeItem, type KvItem, type KvRecord } from "./record.ts";

/** Size of a chunk in bytes. A value in Deno KV has at most 64 KiB, including the overhead of its serialization. */
const CHUNK_SIZE = 60 * 1024;

/** Maximum number of chunks in one commit, which has at most 800 KiB. More chunks are written before their record. */
const COMMIT_CHUNKS = 8;

/**
 * Maximum number of chunks of one record. One commit must be able to delete all of them, and Deno KV allows 1000
 * changes and 80 KiB of keys in a commit.
 */
const RECORD_CHUNKS = 400;

/** Maximum number of blobs that are remembered, each of at most {@linkcode COMMIT_CHUNKS} chunks: at most 4 MB. */
const MAX_REMEMBERED = 8;

/** Age in milliseconds from which a blob without a record is a leftover: one day, far longer than any save takes. */
const STAGED_AGE = 24 * 60 * 60 * 1000;

/** Blobs of a record that is about to be written, and the changes to commit together with the record. */
export interface NewBlobs extends Required<KvChange> {
  /** Descriptions of the items, for the record. */
  readonly items: readonly KvItem[];
}

/** Big data in chunks. A blob is written once, under a unique name, and becomes visible when a record names it. */
export class Blobs {
  readonly #db: Database;
  readonly #keys: KvKeys;
  /** Blobs that were read last, by name: an edit reads the items of a list when it loads it and when it saves it. */
  readonly #recent = new Map<string, Uint8Array<ArrayBuffer>>();

  /** Creates access to the blobs of a store. */
  constructor(db: Database, keys: KvKeys) {
    this.#db = db;
    this.#keys = keys;
  }

  /**
   * Reads the items with the given keys; keys that the record does not have are left out. Returns `undefined` if the
   * data of an item is gone, because the record was replaced.
   */
  async readAll(record: KvRecord, keys: readonly string[]): Promise<Map<string, Uint8Array<ArrayBuffer>> | undefined> {
    const found = keys.map((key) => record.items.find((item) => item.key === key)).filter((item) => item !== undefined);
    const missing = found.filter(({ blob }) => !this.#recent.has(blob));
    // One read for all items: most of them have a single chunk.
    const entries = await this.#db.getMany<Uint8Array>(this.listKeys(missing));
    const blobs = new Map(missing.map(({ blob, chunks }) => {
      const parts = entries.splice(0, chunks).map(({ value }) => value).filter((value) => value !== null);
      return [blob, concatBytes(parts)];
    }));
    const data = found.map((item) => [item.key, blobs.get(item.blob) ?? this.#recent.get(item.blob)!] as const);
    if (data.some(([, bytes], i) => bytes.length !== found[i]!.size)) return undefined;
    this.#remember(found, new Map(data));
    return new Map(data.map(([key, bytes]) => [key, bytes.slice()]));
  }

  /** Remembers small blobs, and forgets those that were read before them. */
  #remember(items: readonly KvItem[], data: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): void {
    for (const { key, blob, chunks } of items) {
      if (chunks > COMMIT_CHUNKS) continue;
      this.#recent.delete(blob);
      this.#recent.set(blob, data.get(key)!);
      if (this.#recent.size > MAX_REMEMBERED) this.#recent.delete(this.#recent.keys().next().value!);
    }
  }

  /**
   * Prepares data for its record: a few chunks are written in the same commit as the record, more are written now. Of
   * two items with the same key, the later one is used.
   */
  async prepare(data: readonly BigData[]): Promise<NewBlobs> {
    const blob = crypto.randomUUID();
    const chunks: (readonly [KvKey, Uint8Array])[] = [];
    const items: KvItem[] = [];
    for (const item of new Map(data.map((item) => [item.key, item])).values()) {
      const name = `${blob}/${items.length}`;
      const sets = splitBytes(item.bytes).map((bytes, i) => [this.#keys.chunk(name, i), bytes] as const);
      items.push(describeItem(item, name, sets.length));
      chunks.push(...sets);
    }
    assertChunkCount(chunks.length);
    if (chunks.length <= COMMIT_CHUNKS) return { items, checks: [], sets: chunks, deletes: [] };
    return { items, ...await this.#stage(blob, items, chunks) };
  }

  /**
   * Throws `STORE_IO` if another process removed the prepared blobs as leftovers, because the save took longer than a
   * day.
   */
  async confirm({ checks }: NewBlobs): Promise<void> {
    const entries = await this.#db.getMany(checks.map(({ key }) => key));
    if (entries.every(({ versionstamp }, i) => versionstamp === checks[i]!.versionstamp)) return;
    throw new ManifestsError("STORE_IO", `Cannot write to the KV database: the save took longer than ${STAGED_AGE} ms`);
  }

  /** Deletes prepared blobs whose record was not written. */
  async discard({ items, checks, deletes }: NewBlobs): Promise<void> {
    // The check is needed because a commit that was reported as failed may have succeeded; then the record uses the
    // blobs. If the deletion fails, the blobs are removed later as leftovers.
    const change = { checks, deletes: [...deletes, ...this.listKeys(items)] };
    if (checks.length > 0) await this.#db.commit(change).catch(() => {});
  }

  /** Returns the keys of all chunks of items. */
  listKeys(items: readonly KvItem[]): KvKey[] {
    return items.flatMap(({ blob, chunks }) => this.#chunkKeys(blob, chunks));
  }

  async #stage(blob: string, items: KvItem[], chunks: (readonly [KvKey, Uint8Array])[]) {
    await this.#sweep();
    const key = this.#keys.staged(blob);
    // The note tells a later sweep when the blob was written and which chunks to delete.
    const note = { since: Date.now(), items };
    const versionstamp = await this.#db.commit({ checks: [], sets: [[key, note]] }) ?? null;
    for (let i = 0; i < chunks.length; i += COMMIT_CHUNKS) {
      await this.#db.commit({ checks: [], sets: chunks.slice(i, i + COMMIT_CHUNKS) });
    }
    // The check fails if another process has removed the blob as a leftover.
    return { checks: [{ key, versionstamp }], sets: [], deletes: [key] };
  }

  /** Deletes the blobs that killed processes have left. */
  async #sweep(): Promise<void> {
    for (const entry of await this.#db.list<Staged>({ prefix: this.#keys.allStaged() })) {
      if (Date.now() - entry.value!.since < STAGED_AGE) continue;
      await this.#db.commit({ checks: [entry], deletes: [entry.key, ...this.listKeys(entry.value!.items)] });
    }
  }

  #chunkKeys(blob: string, chunks: number): KvKey[] {
    return Array.from({ length: chunks }, (_, i) => this.#keys.chunk(blob, i));
  }
}

interface Staged {
  since: number;
  items: KvItem[];
}

/** Throws `LIMIT_EXCEEDED` if a record has more chunks than one commit can delete. */
export function assertChunkCount(chunks: number): void {
  if (chunks <= RECORD_CHUNKS) return;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot write a record of more than ${RECORD_CHUNKS * CHUNK_SIZE} bytes to the KV database`,
  );
}

function splitBytes(bytes: Uint8Array): Uint8Array[] {
  const chunks = Math.ceil(bytes.length / CHUNK_SIZE);
  return Array.from({ length: chunks }, (_, i) => bytes.slice(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE));
}
