import type { ByteStream, SignalOptions } from "../internal/room.ts";
import type { Digest } from "../spec/room.ts";

/** An image record of a store. */
export interface StoredImage {
  /** Its id: 64 hexadecimal digits. */
  readonly id: string;
  /** Its names, fully qualified. */
  readonly names: readonly string[];
  /** The first manifest digest that was ever recorded; it does not follow changes of the manifest. */
  readonly digest?: Digest | undefined;
  /** Every digest under which it can be found. */
  readonly digests: readonly Digest[];
  /** Its top layer; lists have none. */
  readonly topLayer?: string | undefined;
  /** The keys of its big data. */
  readonly bigDataNames: readonly string[];
  /** What whoever wrote it keeps beside it, in a form of their own. */
  readonly metadata?: string | undefined;
  /** When it was created, as recorded: RFC 3339 with up to nine digits of a second. */
  readonly created: string;
  /** Whether it is in an additional store, which cannot be changed from here. */
  readonly readOnly: boolean;
}

/** A named piece of an image record: a manifest, a list's instances. */
export interface BigData {
  /** Its key, such as `manifest`. */
  readonly key: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A record with some of its big data, all read at one moment. */
export interface ImageWithData {
  /** The record. */
  readonly image: StoredImage;
  /** The big data that was asked for and is there. */
  readonly data: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** What {@linkcode ImageStore.createImage} makes. */
export interface CreateImageOptions {
  /** Its id; default: random. */
  readonly id?: string | undefined;
  /** Its names, fully qualified; none of them may be in use. */
  readonly names?: readonly string[] | undefined;
  /** Its big data. */
  readonly data: readonly BigData[];
}

/** Options for {@linkcode ImageStore.writeBigData}. */
export interface WriteBigDataOptions {
  /**
   * Write only if these items still have these digests (`undefined`: are not there), else fail with code
   * `LIST_CHANGED`: a compare-and-set against writers who do not take the list's lock.
   */
  readonly ifUnchanged?: ReadonlyMap<string, Digest | undefined> | undefined;
}

/** Options for {@linkcode ImageStore.deleteImage}. */
export interface DeleteImageOptions extends WriteBigDataOptions {
  /** Delete only if the record has exactly these names, else fail with code `LIST_CHANGED`. */
  readonly ifNames?: readonly string[] | undefined;
}

/** How {@linkcode ImageStore.updateNames} combines names with those that a record has. */
export type NamesOperation = "set" | "add" | "remove";

/** Something that can be locked, within this process and against others. */
export interface Locker {
  /** What is locked, for messages. */
  readonly name: string;
  /** Waits for the lock; dispose the guard to give it back. Rejects with `signal.reason` on abort. */
  lock(options?: SignalOptions): Promise<AsyncDisposable>;
}

/** A layer of a stored image. */
export interface StoredLayer {
  /** Its id. */
  readonly id: string;
  /** The layer below; `undefined` for the lowest. */
  readonly parent: string | undefined;
  /** Digest of its content without compression; `undefined` where the store does not know it. */
  readonly diffDigest: Digest | undefined;
  /** Size of its content without compression in bytes, or `UNKNOWN_SIZE`. */
  readonly diffSize: number;
}

/** The layers of stored images. */
export interface LayerStore {
  /** The layers up to and including `topLayer`, the lowest first. Fails with code `STORE_CORRUPT` where one is missing. */
  listLayers(topLayer: string): Promise<readonly StoredLayer[]>;
  /**
   * The tar archive of a layer, byte for byte as it came, without compression; verified against its digest at its end.
   * Fails with code `LAYER_NOT_REPRODUCIBLE` where that cannot be made.
   */
  openLayer(layer: StoredLayer, options?: SignalOptions): Promise<ByteStream>;
}

/** Finds the full names that a short name may stand for, best first. */
export type ShortNameExpansion = (name: string) => Promise<readonly string[]>;

/** Local image records: what libimage needs of a `storage.Store`. Every change is all or nothing. */
export interface ImageStore extends AsyncDisposable {
  /** The store as references print it, such as `[overlay@/var/lib/containers/storage+/run/containers/storage]`. */
  readonly location: string;
  /** The same for every way to open and to spell this store. */
  readonly identity: string;
  /** The layers of its images; `undefined` where it keeps none. */
  readonly layers?: LayerStore | undefined;
  /**
   * Finds a record by exact id, exact name or unique prefix of an id, and reads some of its big data at the same
   * moment; `undefined` where there is none.
   */
  findImage(nameOrId: string, keys?: readonly string[]): Promise<ImageWithData | undefined>;
  /**
   * The full names that a short name, with or without tag or digest, may stand for in this store, best first; default:
   * the name in `localhost/` alone.
   */
  expandShortName?: ShortNameExpansion | undefined;
  /** All records, in the order of the store. */
  listImages(): Promise<StoredImage[]>;
  /** Makes a record. Fails with code `NAME_IN_USE` or `ID_IN_USE`. */
  createImage(options: CreateImageOptions): Promise<StoredImage>;
  /** Writes big data of one record, all items or none. Fails with code `IMAGE_UNKNOWN` or `LIST_CHANGED`. */
  writeBigData(id: string, data: readonly BigData[], options?: WriteBigDataOptions): Promise<void>;
  /** Changes the names of a record; names that others have are taken from them. Fails with code `IMAGE_UNKNOWN`. */
  updateNames(id: string, operation: NamesOperation, names: readonly string[]): Promise<void>;
  /** Deletes a record without layers. Fails with code `IMAGE_UNKNOWN`, `IMAGE_IN_USE` or `LIST_CHANGED`. */
  deleteImage(id: string, options?: DeleteImageOptions): Promise<void>;
  /** A lock for read-modify-write of what a digest names. */
  digestLocker(digest: Digest): Locker;
}
