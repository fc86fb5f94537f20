import type { ByteStream, SignalOptions } from "../internal/room.ts";
import type { Digest } from "../spec/room.ts";

/** An image record in a store. */
export interface StoredImage {
  /** Id of the record: 64 hexadecimal digits. */
  readonly id: string;
  /** Names of the image, fully qualified. */
  readonly names: readonly string[];
  /** First manifest digest that was recorded; it stays when the manifest changes. `undefined`: none was recorded. */
  readonly digest?: Digest | undefined;
  /** Digests under which the image can be found. */
  readonly digests: readonly Digest[];
  /** Id of the top layer; `undefined` for lists, which have no layers. */
  readonly topLayer?: string | undefined;
  /** Keys of the big data items. */
  readonly bigDataNames: readonly string[];
  /**
   * Private data of the program that wrote the record, such as the sizes of signatures; `undefined` if there is none.
   */
  readonly metadata?: string | undefined;
  /** Time of creation, as recorded: RFC 3339 with up to nine digits of a second. */
  readonly created: string;
  /** True if the image is in an additional store, which is never written. */
  readonly readOnly: boolean;
}

/** A named item of an image record, such as its manifest or the instances of a list. */
export interface BigData {
  /** Key of the item, such as `manifest`. */
  readonly key: string;
  /** Content of the item, which is written unchanged. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A record and some of its big data, read as one consistent snapshot. */
export interface ImageWithData {
  /** The record without its data. */
  readonly image: StoredImage;
  /** Contents of the requested items by key. Items that do not exist are left out. */
  readonly data: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Options for {@linkcode ImageStore.createImage}. */
export interface CreateImageOptions {
  /** Id of the new record, 64 hexadecimal digits. Default: a random one. */
  readonly id?: string | undefined;
  /** Names of the image, fully qualified; none of them may be in use. Default: none. */
  readonly names?: readonly string[] | undefined;
  /** Big data items to write. */
  readonly data: readonly BigData[];
}

/** Options for {@linkcode ImageStore.writeBigData}. */
export interface WriteBigDataOptions {
  /**
   * Write only if these items still have these digests (`undefined`: do not exist); otherwise fail with code
   * `LIST_CHANGED`. This detects writers that do not take the lock of the list. Default: no condition.
   */
  readonly ifUnchanged?: ReadonlyMap<string, Digest | undefined> | undefined;
}

/** Options for {@linkcode ImageStore.deleteImage}. */
export interface DeleteImageOptions extends WriteBigDataOptions {
  /**
   * Delete only if the record has exactly these names, in this order; otherwise fail with code `LIST_CHANGED`.
   * Default: no condition.
   */
  readonly ifNames?: readonly string[] | undefined;
}

/**
 * How {@linkcode ImageStore.updateNames} changes the names of a record: replace them, add to them, remove from them.
 */
export type NamesOperation = "set" | "add" | "remove";

/** Something that can be locked, within this process and against other processes. */
export interface Locker {
  /** Name of the lock, for messages. */
  readonly name: string;
  /** Waits for the lock. Dispose the returned guard to release it. Rejects with `signal.reason` on abort. */
  lock(options?: SignalOptions): Promise<AsyncDisposable>;
}

/** A layer of a stored image. */
export interface StoredLayer {
  /** Id of the layer, unique in its store. */
  readonly id: string;
  /** Id of the layer below; `undefined` for the lowest. */
  readonly parent: string | undefined;
  /** Digest of the uncompressed content (DiffID); `undefined` if the store does not know it. */
  readonly diffDigest: Digest | undefined;
  /** Size of the uncompressed content in bytes, or `UNKNOWN_SIZE`. */
  readonly diffSize: number;
}

/** Access to the layers of stored images. */
export interface LayerStore {
  /**
   * Returns the layers up to and including `topLayer`, the lowest first. Fails with code `STORE_CORRUPT` if one is
   * missing.
   */
  listLayers(topLayer: string): Promise<readonly StoredLayer[]>;
  /**
   * Opens the uncompressed tar archive of a layer, byte for byte as it was pulled. The stream fails at its end if the
   * digest differs. Fails with code `LAYER_NOT_REPRODUCIBLE` if the store cannot produce these bytes.
   */
  openLayer(layer: StoredLayer, options?: SignalOptions): Promise<ByteStream>;
}

/** A function that returns the full names that a short name may stand for, best first. */
export type ShortNameExpansion = (name: string) => Promise<readonly string[]>;

/**
 * Local image records: the part of containers/storage that lists need. Every change is atomic: it is made completely or
 * not at all.
 */
export interface ImageStore extends AsyncDisposable {
  /**
   * Store specifier as references print it, such as `[overlay@/var/lib/containers/storage+/run/containers/storage]`.
   */
  readonly location: string;
  /** Identity of the store: equal for all objects that were opened for it, however its paths were spelled. */
  readonly identity: string;
  /** Layers of the images; `undefined` if the store keeps none. */
  readonly layers?: LayerStore | undefined;
  /**
   * Finds a record by exact id, exact name or unique prefix of an id, and reads the big data of `keys` with it, as one
   * consistent snapshot. Returns `undefined` if no record matches.
   */
  findImage(nameOrId: string, keys?: readonly string[]): Promise<ImageWithData | undefined>;
  /**
   * Returns the full names that a short name, with or without tag or digest, may stand for in this store, best first.
   * If `undefined`, a short name stands for that name in `localhost/` and in `docker.io/`.
   */
  expandShortName?: ShortNameExpansion | undefined;
  /** Returns all records, in the order of the store. */
  listImages(): Promise<StoredImage[]>;
  /**
   * Creates a record. If an additional store has a record with this id, the new one has its names and items, too. Fails
   * with code `NAME_IN_USE`, `ID_IN_USE`, or `IMAGE_UNKNOWN` for an invalid id.
   */
  createImage(options: CreateImageOptions): Promise<StoredImage>;
  /** Writes big data items of one record, all or none. Fails with code `IMAGE_UNKNOWN` or `LIST_CHANGED`. */
  writeBigData(id: string, data: readonly BigData[], options?: WriteBigDataOptions): Promise<void>;
  /** Changes the names of a record. Names that other records have move to this one. Fails with code `IMAGE_UNKNOWN`. */
  updateNames(id: string, operation: NamesOperation, names: readonly string[]): Promise<void>;
  /**
   * Deletes a record without layers. Fails with code `IMAGE_UNKNOWN`, `IMAGE_IN_USE` if it has layers, `LIST_CHANGED`,
   * or `STORE_READ_ONLY` if it is in an additional store.
   */
  deleteImage(id: string, options?: DeleteImageOptions): Promise<void>;
  /** Returns the lock to hold while reading, changing and writing the record that a digest names. */
  digestLocker(digest: Digest): Locker;
}

/** A blob of a layer that is about to be written. */
export interface LayerBlob {
  /** Returns a name of the blob for messages: its digest, if it is already known. */
  describe(): string;
  /** Size of the stream in bytes, or `UNKNOWN_SIZE`. */
  readonly size: number;
  /** Returns digest and size, in bytes, of the bytes that the stream returned. Throws before the stream has ended. */
  measured(): { readonly digest: Digest; readonly size: number };
}

/** An image whose layers were written. */
export interface NewImage {
  /** Id of the record: 64 hexadecimal digits. */
  readonly id: string;
  /** Names of the image, fully qualified. They move from other images. */
  readonly names: readonly string[];
  /** Big data items to write, in their order. */
  readonly items: readonly BigData[];
  /** Private data for the record, such as the sizes of signatures. */
  readonly metadata: string;
  /** Time of creation, as Go writes it. Default: the current time. */
  readonly created?: string | undefined;
  /** Layers, the lowest first: digest of the blob, and of the uncompressed archive as the configuration names it. */
  readonly layers: readonly { readonly digest: Digest; readonly diffId: Digest }[];
}

/** Writes one image with its layers into a store. Nothing is visible before `commit`. */
export interface ImageWriter extends AsyncDisposable {
  /**
   * Finds a layer of the store by the digest of its blob or of its archive. Returns the size in bytes for that digest.
   */
  findLayer(digest: Digest): Promise<number | undefined>;
  /**
   * Collects and checks a layer. Fails with code `LAYER_NOT_REPRODUCIBLE` if it could not be read back later,
   * `ARCHIVE_INVALID` or `COMPRESSION_NOT_SUPPORTED`.
   */
  putLayer(blob: LayerBlob, stream: ByteStream): Promise<void>;
  /**
   * Makes the layers and the image visible. Fails with code `DIGEST_MISMATCH` if a layer is not the one that the
   * configuration names, `ID_IN_USE` or `CONFLICT`.
   */
  commit(image: NewImage, options?: SignalOptions): Promise<StoredImage>;
}
