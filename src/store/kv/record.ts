import { type Digest, digestOf, manifestDigest } from "../../spec/room.ts";
import { isManifestKey } from "../big_data.ts";
import type { BigData, StoredImage, WriteBigDataOptions } from "../types.ts";
import type { Revised } from "../../kv/room.ts";

/** An image record in the database. Its data items are never changed in place, only replaced. */
export interface KvRecord extends Revised {
  /** Names of the image, as in {@linkcode StoredImage.names}. */
  readonly names: readonly string[];
  /** First manifest digest that was recorded, as in {@linkcode StoredImage.digest}. */
  readonly digest?: Digest | undefined;
  /** Time of creation, as in {@linkcode StoredImage.created}. */
  readonly created: string;
  /** Descriptions of the big data items. */
  readonly items: readonly KvItem[];
}

/** Description of a big data item, and the location of its content. */
export interface KvItem {
  /** Key of the item, as in {@linkcode BigData.key}. */
  readonly key: string;
  /** SHA-256 digest of the content. */
  readonly digest: Digest;
  /**
   * Digest under which a manifest is found; for signed schema 1 it differs from that of the bytes. `undefined` for
   * others.
   */
  readonly manifestDigest?: Digest | undefined;
  /** Size of the content in bytes. */
  readonly size: number;
  /** Name of the blob that has the content. */
  readonly blob: string;
  /** Number of chunks of the blob. */
  readonly chunks: number;
}

/** Describes an item whose content is written as a blob. */
export function describeItem({ key, bytes }: BigData, blob: string, chunks: number): KvItem {
  const digests = { digest: digestOf(bytes), manifestDigest: isManifestKey(key) ? manifestDigest(bytes) : undefined };
  return { key, ...digests, size: bytes.length, blob, chunks };
}

/** Returns a record with items added, or replaced if the record has items with the same keys. */
export function withItems(record: KvRecord, items: readonly KvItem[]): KvRecord {
  const all = new Map([...record.items, ...items].map((item) => [item.key, item]));
  const digest = record.digest ?? items.find((item) => item.manifestDigest)?.manifestDigest;
  return { ...record, digest, items: [...all.values()] };
}

/** True if the items of a record still have the digests that the caller expects. */
export function isUnchanged(record: KvRecord, { ifUnchanged = new Map() }: WriteBigDataOptions): boolean {
  const digests = new Map(record.items.map(({ key, digest }) => [key, digest]));
  return [...ifUnchanged].every(([key, digest]) => digests.get(key) === digest);
}

/** Converts a record to the form that users of the store see. */
export function toStoredImage(id: string, { names, digest, created, items }: KvRecord): StoredImage {
  const digests = [digest, ...items.map(({ manifestDigest }) => manifestDigest)].filter((digest) =>
    digest !== undefined
  );
  return {
    id,
    names: [...names],
    digest,
    digests: [...new Set(digests)],
    bigDataNames: items.map(({ key }) => key),
    created,
    readOnly: false,
  };
}
