import { concatBytes } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { BigData } from "../types.ts";
import type { Database, KvChange, KvKey } from "../../kv/room.ts";
import type { Keys } from "./keys.ts";
import { itemOf, type KvItem, type KvRecord } from "./record.ts";

/** Bytes of a chunk: a value of Deno KV has at most 64 KiB, and this leaves room for what it adds. */
const CHUNK_SIZE = 60 * 1024;

/** Chunks of one commit, which has at most 800 KiB: what is larger is written before its record. */
const COMMIT_CHUNKS = 8;

/** Chunks of one record, all of which one commit must be able to delete: it has at most 1000 changes in 80 KiB of keys. */
const RECORD_CHUNKS = 400;

/** After how many milliseconds a blob without record is rubbish: long after any save has ended or failed. */
const STAGED_AGE = 24 * 60 * 60 * 1000;

/** Data on its way into a record, and what must be committed together with that. */
export interface NewBlobs extends Required<KvChange> {
  /** What the record will say of it. */
  readonly items: readonly KvItem[];
}

/** Big data in chunks. A blob is written once, under a name of its own, and visible when a record names it. */
export class Blobs {
  readonly #db: Database;
  readonly #keys: Keys;

  /** The blobs of a store. */
  constructor(db: Database, keys: Keys) {
    this.#db = db;
    this.#keys = keys;
  }

  /** Reads those items of a record that it has; `undefined` where one is gone because the record was replaced. */
  async readAll(record: KvRecord, keys: readonly string[]): Promise<Map<string, Uint8Array<ArrayBuffer>> | undefined> {
    const found = keys.map((key) => record.items.find((item) => item.key === key)).filter((item) => item !== undefined);
    const data = await Promise.all(found.map(async (item) => [item.key, await this.#read(item)] as const));
    const there = data.filter((entry): entry is [string, Uint8Array<ArrayBuffer>] => entry[1] !== undefined);
    return there.length === data.length ? new Map(there) : undefined;
  }

  async #read({ blob, chunks, size }: KvItem): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const entries = await this.#db.getMany<Uint8Array>(this.#chunkKeys(blob, chunks));
    const parts = entries.map(({ value }) => value).filter((value) => value !== null);
    const bytes = concatBytes(parts);
    return bytes.length === size ? bytes : undefined;
  }

  /**
   * Gets data ready for its record: little goes along with it, in the same commit; much is written now. Where an
   * item is there twice, the later one counts.
   */
  async prepare(data: readonly BigData[]): Promise<NewBlobs> {
    const blob = crypto.randomUUID();
    const chunks: (readonly [KvKey, Uint8Array])[] = [];
    const items: KvItem[] = [];
    for (const item of new Map(data.map((item) => [item.key, item])).values()) {
      const name = `${blob}/${items.length}`;
      const sets = splitBytes(item.bytes).map((bytes, i) => [this.#keys.chunk(name, i), bytes] as const);
      items.push(itemOf(item, name, sets.length));
      chunks.push(...sets);
    }
    requireChunks(chunks.length);
    if (chunks.length <= COMMIT_CHUNKS) return { items, checks: [], sets: chunks, deletes: [] };
    return { items, ...await this.#stage(blob, items, chunks) };
  }

  /** Throws where somebody swept away what was written, after as long a time as no save should take. */
  async confirm({ checks }: NewBlobs): Promise<void> {
    const entries = await this.#db.getMany(checks.map(({ key }) => key));
    if (entries.every(({ versionstamp }, i) => versionstamp === checks[i]!.versionstamp)) return;
    throw new ManifestsError("STORE_IO", `Cannot write to the KV database as it took longer than ${STAGED_AGE} ms`);
  }

  /** Deletes what was written for a record that did not come about. */
  async discard({ items, checks, deletes }: NewBlobs): Promise<void> {
    // With the check, as a commit that seemed to fail may have been made: then the record has the blob.
    // What cannot be deleted now is swept later.
    const change = { checks, deletes: [...deletes, ...this.keysOf(items)] };
    if (checks.length > 0) await this.#db.commit(change).catch(() => {});
  }

  /** All keys of items. */
  keysOf(items: readonly KvItem[]): KvKey[] {
    return items.flatMap(({ blob, chunks }) => this.#chunkKeys(blob, chunks));
  }

  async #stage(blob: string, items: KvItem[], chunks: (readonly [KvKey, Uint8Array])[]) {
    await this.#sweep();
    const key = this.#keys.staged(blob);
    // With its time and its items, so that whoever finds it later knows whether it is rubbish, and of what.
    const note = { since: Date.now(), items };
    const versionstamp = await this.#db.commit({ checks: [], sets: [[key, note]] }) ?? null;
    for (let i = 0; i < chunks.length; i += COMMIT_CHUNKS) {
      await this.#db.commit({ checks: [], sets: chunks.slice(i, i + COMMIT_CHUNKS) });
    }
    // The check fails where somebody swept the blob away meanwhile.
    return { checks: [{ key, versionstamp }], sets: [], deletes: [key] };
  }

  /** Deletes what killed processes left behind. */
  async #sweep(): Promise<void> {
    for (const entry of await this.#db.list<Staged>({ prefix: this.#keys.allStaged() })) {
      if (Date.now() - entry.value!.since < STAGED_AGE) continue;
      await this.#db.commit({ checks: [entry], deletes: [entry.key, ...this.keysOf(entry.value!.items)] });
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

/** Refuses a record of more chunks than can be deleted at once. */
export function requireChunks(chunks: number): void {
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
