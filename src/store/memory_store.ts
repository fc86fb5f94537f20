import { type Digest, digestOf, manifestDigest } from "../spec/room.ts";
import { isManifestKey } from "./big_data.ts";
import { enterQueue } from "../internal/room.ts";
import { applyNames, assertImageId, idInUse, imageUnknown, listChanged, nameInUse, randomImageId } from "./names.ts";
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
} from "./types.ts";

/**
 * Creates a store in memory, which is lost when the process ends: for tests, for scripts that only push, and for hosts
 * without a disk.
 *
 * @example
 * ```ts
 * import { create, createMemoryStore, loadFromImage } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * const id = await create().saveToImage(store, { names: ["localhost/app:1"] });
 * assert.equal((await loadFromImage(store, "app:1")).imageId, id);
 * ```
 */
export function createMemoryStore(): ImageStore {
  return new MemoryStore();
}

interface MemoryImage {
  id: string;
  names: string[];
  digest: Digest | undefined;
  data: Map<string, Uint8Array<ArrayBuffer>>;
  created: string;
}

class MemoryStore implements ImageStore {
  readonly location: string = `[memory@${crypto.randomUUID()}]`;
  readonly identity: string = this.location;
  readonly #images = new Map<string, MemoryImage>();

  findImage(nameOrId: string, keys: readonly string[] = []): Promise<ImageWithData | undefined> {
    const image = this.#find(nameOrId);
    if (!image) return Promise.resolve(undefined);
    const data = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const key of keys) {
      const bytes = image.data.get(key);
      if (bytes) data.set(key, bytes.slice());
    }
    return Promise.resolve({ image: toStoredImage(image), data });
  }

  listImages(): Promise<StoredImage[]> {
    return Promise.resolve([...this.#images.values()].map(toStoredImage));
  }

  // deno-lint-ignore require-await -- An invalid id must reject, not throw.
  async createImage({ id = randomImageId(), names = [], data }: CreateImageOptions): Promise<StoredImage> {
    assertImageId(id);
    if (this.#images.has(id)) throw idInUse(id);
    for (const name of names) {
      const owner = this.#find(name);
      if (owner?.names.includes(name)) throw nameInUse(name, owner.id);
    }
    const image: MemoryImage = {
      id,
      names: [...new Set(names)],
      digest: undefined,
      data: new Map(),
      created: new Date().toISOString(),
    };
    put(image, data);
    this.#images.set(id, image);
    return toStoredImage(image);
  }

  writeBigData(id: string, data: readonly BigData[], options: WriteBigDataOptions = {}): Promise<void> {
    const image = this.#images.get(id);
    if (!image) return Promise.reject(imageUnknown(id));
    if (!isUnchanged(image, options)) return Promise.reject(listChanged(id));
    put(image, data);
    return Promise.resolve();
  }

  updateNames(id: string, operation: NamesOperation, names: readonly string[]): Promise<void> {
    const image = this.#images.get(id);
    if (!image) return Promise.reject(imageUnknown(id));
    const newNames = applyNames(image.names, operation, names);
    for (const other of this.#images.values()) other.names = applyNames(other.names, "remove", newNames);
    image.names = newNames;
    return Promise.resolve();
  }

  deleteImage(id: string, options: DeleteImageOptions = {}): Promise<void> {
    const image = this.#images.get(id);
    if (!image) return Promise.reject(imageUnknown(id));
    const { ifNames } = options;
    const renamed = ifNames && ifNames.join() !== image.names.join();
    if (renamed || !isUnchanged(image, options)) return Promise.reject(listChanged(id));
    this.#images.delete(id);
    return Promise.resolve();
  }

  digestLocker(digest: Digest): Locker {
    const name = `${this.location}/${digest}`;
    return {
      name,
      lock: async ({ signal } = {}) => {
        const place = await enterQueue(name, true, signal);
        return { [Symbol.asyncDispose]: () => Promise.resolve(place[Symbol.dispose]()) };
      },
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #find(nameOrId: string): MemoryImage | undefined {
    const exact = this.#images.get(nameOrId);
    if (exact) return exact;
    const images = [...this.#images.values()];
    const named = images.find((image) => image.names.includes(nameOrId));
    if (named || nameOrId === "") return named;
    const prefixed = images.filter((image) => image.id.startsWith(nameOrId));
    return prefixed.length === 1 ? prefixed[0] : undefined;
  }
}

function isUnchanged(image: MemoryImage, { ifUnchanged = new Map() }: WriteBigDataOptions): boolean {
  return [...ifUnchanged].every(([key, digest]) => {
    const bytes = image.data.get(key);
    return digest === (bytes && digestOf(bytes));
  });
}

function put(image: MemoryImage, data: readonly BigData[]): void {
  for (const { key, bytes } of data) {
    image.data.set(key, bytes.slice());
    if (isManifestKey(key)) image.digest ??= manifestDigest(bytes);
  }
}

function toStoredImage(image: MemoryImage): StoredImage {
  const manifests = [...image.data].filter(([key]) => isManifestKey(key)).map(([, b]) => manifestDigest(b));
  return {
    id: image.id,
    names: [...image.names],
    digest: image.digest,
    digests: [...new Set([...image.digest ? [image.digest] : [], ...manifests])],
    bigDataNames: [...image.data.keys()],
    created: image.created,
    readOnly: false,
  };
}
