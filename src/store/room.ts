/**
 * Local image records: the contract that stores fulfil, and a store in memory.
 *
 * @module
 */
export type { ByteStream, SignalOptions } from "../internal/room.ts";
export { damagedList, findDamage, isListRecord, mayBeListRecord } from "./list_records.ts";
export { findLocalImage, type LocalImage } from "./lookup.ts";
export { createMemoryStore } from "./memory_store.ts";
export { nameInUse, randomImageId } from "./names.ts";
export type {
  BigData,
  CreateImageOptions,
  DeleteImageOptions,
  ImageStore,
  ImageWithData,
  LayerStore,
  Locker,
  NamesOperation,
  ShortNameExpansion,
  StoredImage,
  StoredLayer,
  WriteBigDataOptions,
} from "./types.ts";
