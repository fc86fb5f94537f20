import { type Digest, ManifestsError } from "../../spec/room.ts";
import { enterQueue } from "../../internal/room.ts";
import { applyNames, idInUse, imageUnknown, listChanged, nameInUse, randomImageId, requireImageId } from "../names.ts";
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
import { Blobs, requireChunks } from "./blobs.ts";
import { changeRecord, type Database, type Decide, type Decision } from "../../kv/room.ts";
import { findRecord, type FoundRecord } from "./find.ts";
import { type Keys, MAX_NAME_LENGTH } from "./keys.ts";
import { type Lease, takeLease } from "./lease.ts";
import { changeNames, claimNames } from "./name_changes.ts";
import { imageOf, isUnchanged, type KvRecord, withItems } from "./record.ts";

/** What a {@linkcode KvStore} is made of. */
export interface KvStoreParts {
  /** The database. */
  db: Database;
  /** Where the store is in it. */
  keys: Keys;
  /** What tells it from other stores. */
  id: string;
  /** For how long a lock is held without sign of life, in milliseconds. */
  leaseDuration: number;
}

/** Image records in a KV database. A record is one value, and each change of one is one commit that checks it. */
export class KvStore implements ImageStore {
  readonly location: string;
  readonly identity: string;
  readonly #db: Database;
  readonly #keys: Keys;
  readonly #blobs: Blobs;
  readonly #leaseDuration: number;
  /** By what is locked. */
  readonly #leases = new Map<string, Lease>();
  /** One queue for each way the store is opened: between those, leases decide, as between processes. */
  readonly #queue: string = crypto.randomUUID();

  /** A store that is in the database already. */
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
      const found = await findRecord(this.#db, this.#keys, nameOrId);
      if (!found) return undefined;
      const data = await this.#blobs.readAll(found.record, keys);
      if (data) return { image: imageOf(found.id, found.record), data };
      // Replaced while it was read. But where the record is the same as before, its data is really gone.
      if (before?.versionstamp === found.versionstamp) throw storeCorrupt(found.id);
      before = found;
    }
  }

  async listImages(): Promise<StoredImage[]> {
    const entries = await this.#db.list<KvRecord>({ prefix: this.#keys.images() });
    const images = entries.map(({ key, value }) => imageOf(key.at(-1) as string, value!));
    return images.sort((a, b) => a.created < b.created ? -1 : a.created > b.created ? 1 : 0);
  }

  async createImage({ id = randomImageId(), names = [], data }: CreateImageOptions): Promise<StoredImage> {
    requireImageId(id);
    const unique = requireNames([...new Set(names)]);
    const created = new Date().toISOString();
    const record = await this.#write(id, data, async (there) => {
      if (there) throw idInUse(id);
      const claims = await claimNames(this.#db, this.#keys, unique);
      const used = claims.find(({ owner }) => owner !== undefined);
      if (used) throw nameInUse(used.name, used.owner!);
      const checks = claims.map(({ check }) => check);
      return {
        record: { names: unique, created, items: [] },
        checks,
        sets: checks.map(({ key }) => [key, id] as const),
      };
    });
    return imageOf(id, record);
  }

  async writeBigData(id: string, data: readonly BigData[], options: WriteBigDataOptions = {}): Promise<void> {
    await this.#write(id, data, (there) => {
      if (!there) throw imageUnknown(id);
      if (!isUnchanged(there, options)) throw listChanged(id);
      return { record: there };
    });
  }

  async updateNames(id: string, operation: NamesOperation, names: readonly string[]): Promise<void> {
    await this.#change(id, async (there) => {
      if (!there) throw imageUnknown(id);
      const wanted = requireNames(applyNames(there.names, operation, names));
      const change = await changeNames(this.#db, this.#keys, id, there.names, wanted);
      return { ...change, record: { ...there, names: wanted } };
    });
  }

  async deleteImage(id: string, options: DeleteImageOptions = {}): Promise<void> {
    await this.#change(id, (there) => {
      if (!there) throw imageUnknown(id);
      const renamed = options.ifNames && options.ifNames.join() !== there.names.join();
      if (renamed || !isUnchanged(there, options)) throw listChanged(id);
      const names = there.names.map((name) => this.#keys.name(name));
      return { record: undefined, deletes: [...names, ...this.#blobs.keysOf(there.items)] };
    });
  }

  digestLocker(digest: Digest): Locker {
    const lock = async (signal: AbortSignal | undefined): Promise<AsyncDisposable> => {
      const place = await enterQueue(`${this.#queue}/${digest}`, true, signal);
      try {
        const lease = await takeLease(this.#db, this.#keys, digest, { duration: this.#leaseDuration, signal });
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

  /** Changes a record under the lock that we hold on it, if we do. */
  async #change(id: string, decide: Decide<KvRecord>): Promise<KvRecord | undefined> {
    const lease = this.#leases.get(`sha256:${id}`);
    return await changeRecord(this.#db, this.#keys.image(id), { lease, decide });
  }

  /** Changes a record and writes data of it; blobs that it replaces go. */
  async #write(
    id: string,
    data: readonly BigData[],
    decide: (there: KvRecord | undefined) => WriteDecision | Promise<WriteDecision>,
  ): Promise<KvRecord> {
    const blobs = await this.#blobs.prepare(data);
    try {
      const written = await this.#change(id, async (there) => {
        const { record: before, checks = [], sets = [] } = await decide(there);
        await this.#blobs.confirm(blobs);
        const record = withItems(before, blobs.items);
        requireChunks(record.items.reduce((sum, { chunks }) => sum + chunks, 0));
        const replaced = before.items.filter((item) => !record.items.includes(item));
        return {
          record,
          checks: [...checks, ...blobs.checks],
          sets: [...sets, ...blobs.sets],
          deletes: [...this.#blobs.keysOf(replaced), ...blobs.deletes],
        };
      });
      return written!;
    } catch (error) {
      await this.#blobs.discard(blobs);
      throw error;
    }
  }
}

/** What becomes of a record whose data is written. */
interface WriteDecision extends Decision<KvRecord> {
  readonly record: KvRecord;
}

function storeCorrupt(id: string): ManifestsError {
  return new ManifestsError("STORE_CORRUPT", `Cannot read image ${JSON.stringify(id)} as data of it is gone`);
}

function requireNames(names: string[]): string[] {
  const long = names.find((name) => name.length > MAX_NAME_LENGTH);
  if (long === undefined) return names;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot name an image ${
      JSON.stringify(`${long.slice(0, 60)}…`)
    } as names have at most ${MAX_NAME_LENGTH} characters`,
  );
}
