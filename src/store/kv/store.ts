import { type Digest, ManifestsError } from "../../spec/room.ts";
import { enterQueue } from "../../internal/room.ts";
import { applyNames, assertImageId, idInUse, imageUnknown, listChanged, nameInUse, randomImageId } from "../names.ts";
import type {
  BigData,
  CreateImageOptions,
  DeleteImageOptions,
  ImageStore,
  ImageWithData,
  Locker,
  NamesOperation,
  StoredImage,
  WriteBigDataOptions,
} from "../types.ts";
import { assertChunkCount, Blobs } from "./blobs.ts";
import { changeRecord, type Database, type Decide, type Decision } from "../../kv/room.ts";
import { findRecord, type FoundRecord } from "./find.ts";
import { type KvKeys, MAX_NAME_LENGTH } from "./keys.ts";
import { type Lease, takeLease } from "./lease.ts";
import { changeNames, findOwners } from "./name_changes.ts";
import { isUnchanged, type KvRecord, toStoredImage, withItems } from "./record.ts";

/** Parts from which a {@linkcode KvStore} is made. */
export interface KvStoreParts {
  /** Database that contains the store. */
  db: Database;
  /** Keys of the store in the database. */
  keys: KvKeys;
  /** Unique id of the store. */
  id: string;
  /** Time in milliseconds for which a lock stays held without a heartbeat. */
  leaseDuration: number;
}

/** Image records in a KV database. A record is one value, and each change of one is one commit that checks it. */
export class KvStore implements ImageStore {
  readonly location: string;
  readonly identity: string;
  readonly #db: Database;
  readonly #keys: KvKeys;
  readonly #blobs: Blobs;
  readonly #leaseDuration: number;
  /** Leases that this object holds, by the digest that is locked. */
  readonly #leases = new Map<string, Lease>();
  /** Queue for callers of this object. Between two objects of one store, leases decide, as between processes. */
  readonly #queue: string = crypto.randomUUID();

  /** Creates access to a store that exists in the database. */
  constructor({ db, keys, id, leaseDuration }: KvStoreParts) {
    this.location = `[kv@${id}]`;
    this.identity = this.location;
    this.#db = db;
    this.#keys = keys;
    this.#blobs = new Blobs(db, keys);
    this.#leaseDuration = leaseDuration;
  }

  async findImage(nameOrId: string, keys: readonly string[] = []): Promise<ImageWithData | undefined> {
    let before: FoundRecord | undefined;
    for (;;) {
      const found = this.#findLocked(nameOrId) ?? await findRecord(this.#db, this.#keys, nameOrId);
      if (!found) return undefined;
      const data = await this.#blobs.readAll(found.record, keys);
      if (data) return { image: toStoredImage(found.id, found.record), data };
      this.#forgetLocked(found.id);
      // The record may have been replaced while it was read. If it is the same again, its data is lost.
      if (before?.versionstamp === found.versionstamp) throw storeCorrupt(found.id);
      before = found;
    }
  }

  /** Finds the record that was read when this object took its lock. */
  #findLocked(id: string): FoundRecord | undefined {
    const { value, versionstamp } = this.#leases.get(`sha256:${id}`)?.record ?? {};
    return value ? { id, record: value, versionstamp: versionstamp! } : undefined;
  }

  /** Makes the next search for a locked record read it again. */
  #forgetLocked(id: string): void {
    const lease = this.#leases.get(`sha256:${id}`);
    if (lease) lease.record = undefined;
  }

  async listImages(): Promise<StoredImage[]> {
    const entries = await this.#db.list<KvRecord>({ prefix: this.#keys.images() });
    const images = entries.map(({ key, value }) => toStoredImage(key.at(-1) as string, value!));
    return images.sort((a, b) => a.created < b.created ? -1 : a.created > b.created ? 1 : 0);
  }

  async createImage({ id = randomImageId(), names = [], data }: CreateImageOptions): Promise<StoredImage> {
    assertImageId(id);
    const unique = [...new Set(names)];
    assertNameLengths(unique);
    const created = new Date().toISOString();
    const record = await this.#write(id, data, async (existing) => {
      if (existing) throw idInUse(id);
      const claims = await findOwners(this.#db, this.#keys, unique);
      const used = claims.find(({ owner }) => owner !== undefined);
      if (used) throw nameInUse(used.name, used.owner!);
      const checks = claims.map(({ check }) => check);
      return {
        record: { names: unique, created, items: [] },
        checks,
        sets: checks.map(({ key }) => [key, id] as const),
      };
    });
    return toStoredImage(id, record);
  }

  async writeBigData(id: string, data: readonly BigData[], options: WriteBigDataOptions = {}): Promise<void> {
    await this.#write(id, data, (existing) => {
      if (!existing) throw imageUnknown(id);
      if (!isUnchanged(existing, options)) throw listChanged(id);
      return { record: existing };
    });
  }

  async updateNames(id: string, operation: NamesOperation, names: readonly string[]): Promise<void> {
    await this.#change(id, async (existing) => {
      if (!existing) throw imageUnknown(id);
      const newNames = applyNames(existing.names, operation, names);
      assertNameLengths(newNames);
      const change = await changeNames(this.#db, this.#keys, id, existing.names, newNames);
      return { ...change, record: { ...existing, names: newNames } };
    });
  }

  async deleteImage(id: string, options: DeleteImageOptions = {}): Promise<void> {
    await this.#change(id, (existing) => {
      if (!existing) throw imageUnknown(id);
      const renamed = options.ifNames && options.ifNames.join() !== existing.names.join();
      if (renamed || !isUnchanged(existing, options)) throw listChanged(id);
      const names = existing.names.map((name) => this.#keys.name(name));
      return { record: undefined, deletes: [...names, ...this.#blobs.listKeys(existing.items)] };
    });
  }

  digestLocker(digest: Digest): Locker {
    const lock = async (signal: AbortSignal | undefined): Promise<AsyncDisposable> => {
      const place = await enterQueue(`${this.#queue}/${digest}`, true, signal);
      try {
        const lease = await takeLease(this.#db, this.#keys, {
          name: digest,
          id: digest.slice("sha256:".length),
        }, { duration: this.#leaseDuration, signal });
        this.#leases.set(digest, lease);
        return {
          [Symbol.asyncDispose]: async () => {
            if (this.#leases.get(digest) === lease) this.#leases.delete(digest);
            await lease.release();
            place[Symbol.dispose]();
          },
        };
      } catch (error) {
        place[Symbol.dispose]();
        throw error;
      }
    };
    return { name: `${this.location}/${digest}`, lock: ({ signal } = {}) => lock(signal) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Changes a record. If this object holds the lock of the record, the change fails once another process has taken it.
   */
  async #change(id: string, decide: Decide<KvRecord>): Promise<KvRecord | undefined> {
    const lease = this.#leases.get(`sha256:${id}`);
    const known = lease?.record;
    // After the change, even if it fails, the record is read again.
    this.#forgetLocked(id);
    return await changeRecord(this.#db, this.#keys.image(id), { lease, known, decide });
  }

  /** Changes a record and writes data items of it. The blobs of replaced items are deleted. */
  async #write(
    id: string,
    data: readonly BigData[],
    decide: (existing: KvRecord | undefined) => WriteDecision | Promise<WriteDecision>,
  ): Promise<KvRecord> {
    const blobs = await this.#blobs.prepare(data);
    try {
      const written = await this.#change(id, async (existing) => {
        const { record: before, checks = [], sets = [] } = await decide(existing);
        await this.#blobs.confirm(blobs);
        const record = withItems(before, blobs.items);
        assertChunkCount(record.items.reduce((sum, { chunks }) => sum + chunks, 0));
        const replaced = before.items.filter((item) => !record.items.includes(item));
        return {
          record,
          checks: [...checks, ...blobs.checks],
          sets: [...sets, ...blobs.sets],
          deletes: [...this.#blobs.listKeys(replaced), ...blobs.deletes],
        };
      });
      return written!;
    } catch (error) {
      await this.#blobs.discard(blobs);
      throw error;
    }
  }
}

/** How a write changes a record. */
interface WriteDecision extends Decision<KvRecord> {
  readonly record: KvRecord;
}

function storeCorrupt(id: string): ManifestsError {
  return new ManifestsError(
    "STORE_CORRUPT",
    `Cannot read image ${JSON.stringify(id)}: some of its data is missing in the store`,
  );
}

function assertNameLengths(names: readonly string[]): void {
  const long = names.find((name) => name.length > MAX_NAME_LENGTH);
  if (long === undefined) return;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot name an image ${JSON.stringify(`${long.slice(0, 60)}…`)}: names have at most ${MAX_NAME_LENGTH} characters`,
  );
}
