import { type ByteStream, compactChunk, concatBytes, readChunks, toStream } from "../internal/room.ts";
import { type Digest, digestAlgorithm, digestOf } from "../spec/room.ts";
import type { ByteRange, KeptManifest, RegistryStorage, StoredUpload } from "./storage.ts";

interface MemoryRepository {
  blobs: Set<Digest>;
  manifests: Map<Digest, KeptManifest>;
  tags: Map<string, Digest>;
}

/**
 * Creates a storage in memory. Its content is lost when the process ends.
 *
 * @example
 * ```ts
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const registry = createRegistry({ storage: createMemoryStorage() });
 * const response = await registry.fetch(new Request("http://registry.example/v2/app/tags/list"));
 * assert.equal(response.status, 404);
 * ```
 */
export function createMemoryStorage(): RegistryStorage {
  return new MemoryStorage();
}

class MemoryStorage implements RegistryStorage {
  readonly #blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  readonly #repositories = new Map<string, MemoryRepository>();

  statBlob(repository: string, digest: Digest): Promise<number | undefined> {
    const known = this.#repositories.get(repository)?.blobs.has(digest);
    return Promise.resolve(known ? this.#blobs.get(digest)!.length : undefined);
  }

  readBlob(digest: Digest, { start, end }: ByteRange): Promise<ByteStream | undefined> {
    const bytes = this.#blobs.get(digest);
    return Promise.resolve(bytes && toStream(bytes.subarray(start, end)));
  }

  linkBlob(digest: Digest, from: string, to: string): Promise<boolean> {
    const known = this.#repositories.get(from)?.blobs.has(digest) ?? false;
    if (known) this.#repository(to).blobs.add(digest);
    return Promise.resolve(known);
  }

  deleteBlob(repository: string, digest: Digest): Promise<boolean> {
    const found = this.#repositories.get(repository)?.blobs.delete(digest) ?? false;
    if (![...this.#repositories.values()].some(({ blobs }) => blobs.has(digest))) this.#blobs.delete(digest);
    return Promise.resolve(found);
  }

  createUpload(): Promise<StoredUpload> {
    return Promise.resolve(
      new MemoryUpload((repository, digest, bytes) => {
        this.#blobs.set(digest, bytes);
        this.#repository(repository).blobs.add(digest);
      }),
    );
  }

  getManifest(repository: string, digest: Digest): Promise<KeptManifest | undefined> {
    return Promise.resolve(this.#repositories.get(repository)?.manifests.get(digest));
  }

  putManifest(repository: string, digest: Digest, manifest: KeptManifest): Promise<void> {
    this.#repository(repository).manifests.set(digest, manifest);
    return Promise.resolve();
  }

  deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    const found = this.#repositories.get(repository);
    for (const [tag, target] of found?.tags ?? []) if (target === digest) found!.tags.delete(tag);
    return Promise.resolve(found?.manifests.delete(digest) ?? false);
  }

  listManifests(repository: string): Promise<Digest[]> {
    return Promise.resolve([...this.#repositories.get(repository)?.manifests.keys() ?? []]);
  }

  getTag(repository: string, tag: string): Promise<Digest | undefined> {
    return Promise.resolve(this.#repositories.get(repository)?.tags.get(tag));
  }

  putTag(repository: string, tag: string, digest: Digest): Promise<void> {
    this.#repository(repository).tags.set(tag, digest);
    return Promise.resolve();
  }

  deleteTag(repository: string, tag: string): Promise<boolean> {
    return Promise.resolve(this.#repositories.get(repository)?.tags.delete(tag) ?? false);
  }

  listTags(repository: string): Promise<string[] | undefined> {
    const found = this.#repositories.get(repository);
    return Promise.resolve(found && found.manifests.size > 0 ? [...found.tags.keys()].sort() : undefined);
  }

  listRepositories(): Promise<string[]> {
    return Promise.resolve([...this.#repositories.keys()].sort());
  }

  #repository(name: string): MemoryRepository {
    let found = this.#repositories.get(name);
    if (!found) this.#repositories.set(name, found = { blobs: new Set(), manifests: new Map(), tags: new Map() });
    return found;
  }
}

class MemoryUpload implements StoredUpload {
  readonly #publish: (repository: string, digest: Digest, bytes: Uint8Array<ArrayBuffer>) => void;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  size = 0;

  constructor(publish: (repository: string, digest: Digest, bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#publish = publish;
  }

  async append(stream: ByteStream): Promise<void> {
    for await (const chunk of readChunks(stream)) {
      this.#chunks.push(compactChunk(chunk));
      this.size += chunk.length;
    }
  }

  finish(repository: string, digest: Digest): Promise<boolean> {
    const bytes = concatBytes(this.#chunks);
    const isRight = digestOf(bytes, digestAlgorithm(digest)) === digest;
    if (isRight) this.#publish(repository, digest, bytes);
    return Promise.resolve(isRight);
  }

  cancel(): Promise<void> {
    this.#chunks = [];
    return Promise.resolve();
  }
}
