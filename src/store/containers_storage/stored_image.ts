import type { StoredImage } from "../types.ts";
import { type ImageRecord, listDigests } from "./records.ts";

/** Returns a record in the form of the store's contract. */
export function toStoredImage(record: ImageRecord, readOnly: boolean): StoredImage {
  return {
    id: record.id,
    names: record.names,
    digest: record.digest,
    digests: listDigests(record),
    topLayer: record.layer,
    bigDataNames: record.bigDataNames,
    metadata: record.metadata,
    created: record.created,
    readOnly,
  };
}
