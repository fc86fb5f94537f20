import type { Digest } from "../../spec/room.ts";
import type { BlobFacts, KnownCompression, KnownLocation } from "./facts.ts";

class MemoryFacts implements BlobFacts {
  readonly #uncompressed = new Map<Digest, Digest>();
  readonly #byUncompressed = new Map<Digest, Set<Digest>>();
  readonly #compressions = new Map<Digest, KnownCompression>();
  readonly #locations = new Map<Digest, Map<string, KnownLocation>>();

  findUncompressed(digest: Digest): Digest | undefined {
    return this.#uncompressed.get(digest) ?? (this.#byUncompressed.has(digest) ? digest : undefined);
  }

  listDigests(uncompressed: Digest): Iterable<Digest> {
    return this.#byUncompressed.get(uncompressed) ?? [];
  }

  findCompression(digest: Digest): KnownCompression | undefined {
    return this.#compressions.get(digest);
  }

  listLocations(digest: Digest, scope: string): readonly KnownLocation[] {
    return [...this.#locations.get(digest)?.values() ?? []].filter((known) => known.scope === scope);
  }

  recordUncompressed(digest: Digest, uncompressed: Digest): void {
    const former = this.#uncompressed.get(digest);
    if (former !== undefined) this.#forget(former, digest);
    this.#uncompressed.set(digest, uncompressed);
    const digests = this.#byUncompressed.get(uncompressed) ?? new Set();
    this.#byUncompressed.set(uncompressed, digests.add(digest));
  }

  recordCompression(digest: Digest, compression: KnownCompression): void {
    this.#compressions.set(digest, compression);
  }

  recordLocation(known: KnownLocation, digest: Digest): void {
    const locations = this.#locations.get(digest) ?? new Map<string, KnownLocation>();
    this.#locations.set(digest, locations.set(`${known.scope} ${known.location}`, known));
  }

  [Symbol.dispose](): void {}

  #forget(uncompressed: Digest, digest: Digest): void {
    const digests = this.#byUncompressed.get(uncompressed);
    digests?.delete(digest);
    if (digests?.size === 0) this.#byUncompressed.delete(uncompressed);
  }
}

/** Creates facts that are stored in memory. */
export function createMemoryFacts(): BlobFacts {
  return new MemoryFacts();
}
