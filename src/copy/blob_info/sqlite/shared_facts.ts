import { type BlobFacts, createMemoryFacts, type KnownCompression, type KnownLocation } from "../../room.ts";
import type { Digest } from "../../../spec/room.ts";
import {
  compressionColumns,
  findCompression,
  findDigest,
  findPlace,
  findRepository,
  readTime,
  timeColumn,
} from "./columns.ts";
import type { Change, OptionalDatabase } from "./database.ts";

/** More forms of one content, or more places of one blob, are not looked at. */
const MAX_ROWS = 500;

/** So many changes wait at most until they are written. */
const MAX_PENDING = 500;

/**
 * Facts in a file that other processes and the real tools use too, and in memory what this process adds: what it knows
 * does not depend on the file.
 *
 * Each write waits for the disk, so changes are put together. What was just compressed is written at once: who is
 * killed after that need not do it again. When blobs were seen can wait for the end.
 */
export class SharedFacts implements BlobFacts {
  readonly #database: OptionalDatabase;
  readonly #own = createMemoryFacts();
  #pending: Change[] = [];
  #flushing = false;

  /** Facts in a file; disposing them closes it. */
  constructor(database: OptionalDatabase) {
    this.#database = database;
  }

  findUncompressed(digest: Digest): Digest | undefined {
    const own = this.#own.findUncompressed(digest);
    if (own !== undefined) return own;
    const query = "SELECT uncompressedDigest AS found FROM DigestUncompressedPairs WHERE anyDigest = ?";
    const [pair] = this.#database.read(query, digest);
    if (pair) return findDigest(pair.found);
    const asUncompressed = "SELECT 1 FROM DigestUncompressedPairs WHERE uncompressedDigest = ? LIMIT 1";
    return this.#database.read(asUncompressed, digest).length > 0 ? digest : undefined;
  }

  listDigests(uncompressed: Digest): Iterable<Digest> {
    const query =
      `SELECT anyDigest AS found FROM DigestUncompressedPairs WHERE uncompressedDigest = ? LIMIT ${MAX_ROWS}`;
    const digests = new Set(this.#own.listDigests(uncompressed));
    for (const { found } of this.#database.read(query, uncompressed)) {
      const digest = findDigest(found);
      if (digest) digests.add(digest);
    }
    return digests;
  }

  findCompression(digest: Digest): KnownCompression | undefined {
    const own = this.#own.findCompression(digest);
    if (own) return own;
    const [row] = this.#database.read(
      "SELECT compressor, specificVariantCompressor AS variant, " +
        "substr(specificVariantAnnotations, 1, 65536) AS annotations " +
        "FROM DigestCompressors LEFT JOIN DigestSpecificVariantCompressors USING (digest) WHERE digest = ?",
      digest,
    );
    return row && findCompression(row);
  }

  listLocations(digest: Digest, scope: string): readonly KnownLocation[] {
    const own = this.#own.listLocations(digest, scope);
    const place = findPlace(scope);
    if (!place) return own;
    const { transport, host } = place;
    const query =
      `SELECT location, time FROM KnownLocations WHERE transport = ? AND scope = ? AND digest = ? LIMIT ${MAX_ROWS}`;
    const known = new Map<string, KnownLocation>();
    for (const row of this.#database.read(query, transport, host, digest)) {
      const location = findRepository(row.location, host);
      if (location) known.set(location, { scope, location, time: readTime(row.time) });
    }
    for (const location of own) known.set(location.location, location);
    return [...known.values()];
  }

  recordUncompressed(any: Digest, uncompressed: Digest): void {
    this.#own.recordUncompressed(any, uncompressed);
    this.#change(
      "INSERT OR REPLACE INTO DigestUncompressedPairs(anyDigest, uncompressedDigest) VALUES (?, ?)",
      any,
      uncompressed,
    );
    if (any !== uncompressed) this.#flushSoon();
  }

  recordCompression(digest: Digest, compression: KnownCompression): void {
    this.#own.recordCompression(digest, compression);
    const [base, variant, annotations] = compressionColumns(compression);
    this.#change("INSERT OR REPLACE INTO DigestCompressors(digest, compressor) VALUES (?, ?)", digest, base);
    if (variant === undefined || annotations === undefined) {
      // A variant of this algorithm may have been found out by another process meanwhile.
      this.#change(
        "DELETE FROM DigestSpecificVariantCompressors WHERE digest = ? AND specificVariantCompressor NOT GLOB ?",
        digest,
        `${base}:*`,
      );
    } else {
      this.#change(
        "INSERT OR REPLACE INTO DigestSpecificVariantCompressors" +
          "(digest, specificVariantCompressor, specificVariantAnnotations) VALUES (?, ?, ?)",
        digest,
        variant,
        annotations,
      );
    }
  }

  recordLocation(known: KnownLocation, digest: Digest): void {
    this.#own.recordLocation(known, digest);
    const place = findPlace(known.scope);
    if (!place) return;
    this.#change(
      "INSERT OR REPLACE INTO KnownLocations(transport, scope, digest, location, time) VALUES (?, ?, ?, ?, ?)",
      place.transport,
      place.host,
      digest,
      `${place.host}/${known.location}`,
      timeColumn(known.time),
    );
  }

  [Symbol.dispose](): void {
    this.#flush();
    this.#database[Symbol.dispose]();
  }

  #change(...change: Change): void {
    this.#pending.push(change);
    if (this.#pending.length >= MAX_PENDING) this.#flushSoon();
  }

  /** At the end of this turn, so that what is recorded together is written together. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#flushing = false;
    if (pending.length > 0) this.#database.write(pending);
  }
}
