import { type Digest, digestOf, manifestDigest } from "../../spec/room.ts";
import type { BigData, StoredImage, WriteBigDataOptions } from "../types.ts";
import type { Revised } from "../../kv/room.ts";

/** An image record as the database has it. Its pieces of data are never changed, only replaced by others. */
export interface KvRecord extends Revised {
  /** As {@linkcode StoredImage.names}. */
  readonly names: readonly string[];
  /** As {@linkcode StoredImage.digest}. */
  readonly digest?: Digest | undefined;
  /** As {@linkcode StoredImage.created}. */
  readonly created: string;
  /** Its big data. */
  readonly items: readonly KvItem[];
}

/** Where an item of big data is. */
export interface KvItem {
  /** As {@linkcode BigData.key}. */
  readonly key: string;
  /** Digest of its bytes. */
  readonly digest: Digest;
  /** Digest under which a manifest is found, which is not always that of its bytes. */
  readonly manifestDigest?: Digest | undefined;
  /** How many bytes it has. */
  readonly size: number;
  /** The blob that holds them. */
  readonly blob: string;
  /** In how many chunks. */
  readonly chunks: number;
}

/** Describes an item that will be in a blob. */
export function itemOf({ key, bytes }: BigData, blob: string, chunks: number): KvItem {
  const digests = { digest: digestOf(bytes), manifestDigest: isManifest(key) ? manifestDigest(bytes) : undefined };
  return { key, ...digests, size: bytes.length, blob, chunks };
}

/** A record with items in place of those with the same keys. */
export function withItems(record: KvRecord, items: readonly KvItem[]): KvRecord {
  const all = new Map([...record.items, ...items].map((item) => [item.key, item]));
  const digest = record.digest ?? items.find((item) => item.manifestDigest)?.manifestDigest;
  return { ...record, digest, items: [...all.values()] };
}

/** Whether items still have the digests that somebody expects. */
export function isUnchanged(record: KvRecord, { ifUnchanged = new Map() }: WriteBigDataOptions): boolean {
  const digests = new Map(record.items.map(({ key, digest }) => [key, digest]));
  return [...ifUnchanged].every(([key, digest]) => digests.get(key) === digest);
}

/** A record as users of the store see it. */
export function imageOf(id: string, { names, digest, created, items }: KvRecord): StoredImage {
  const digests = [digest, ...items.map(({ manifestDigest }) => manifestDigest)].filter((one) => one !== undefined);
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

function isManifest(key: string): boolean {
  return key.startsWith("manifest");
}
