/**
 * Local image records: the contract that stores fulfil, and a store in memory.
 *
 * @module
 */
export { damagedList, findDamage, isListRecord, mayBeListRecord } from "./list_records.ts";
export { assertLocalName, findLocalImage, type LocalImage } from "./lookup.ts";
export { createMemoryStore } from "./memory_store.ts";
export { imageUnknown, nameInUse, randomImageId } from "./names.ts";
export type {
  BigData,
  ImageStore,
  ImageWithData,
  ImageWriter,
  LayerStore,
  Locker,
  StoredImage,
  StoredLayer,
} from "./types.ts";
