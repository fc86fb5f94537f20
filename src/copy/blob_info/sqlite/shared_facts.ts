import { type BlobFacts, createMemoryFacts, type KnownCompression, type KnownLocation } from "../../room.ts";
import type { Digest } from "../../../spec/room.ts";
import {
  readCompression,
  readDigest,
  readRepository,
  readTime,
  toCompressionColumns,
  toScopeColumns,
  toTimeColumn,
} from "./columns.ts";
import type { Change, OptionalDatabase } from "./database.ts";

/** Maximum number of rows that are read for one blob: other programs could write any number. */
const MAX_ROWS = 500;

/** Maximum number of pending changes before they are written. */
const MAX_PENDING = 500;

/**
 * Facts in a file that is shared with other processes and tools. Facts of this process are also kept in memory, so that
 * they are available if the file is not.
 *
 * Each write waits for the disk, so changes are collected. Digests of recompressed layers are written soon, so that a
 * process that is killed later need not compress them again. Locations are written at the end.
 */
export class SharedFacts implements BlobFacts {
  readonly #database: OptionalDatabase;
  readonly #memory = createMemoryFacts();
  #pending: Change[] = [];
  #flushing = false;

  /** Creates facts in a file, which is closed on disposal. */
  constructor(database: OptionalDatabase) {
    this.#database = database;
  }

  findUncompressed(digest: Digest): Digest | undefined {
    const recorded = this.#memory.findUncompressed(digest);
    if (recorded !== undefined) return recorded;
    const query = "SELECT uncompressedDigest AS found FROM DigestUncompressedPairs WHERE anyDigest = ?";
    const [pair] = this.#database.read(query, digest);
    if (pair) return readDigest(pair.found);
    const asUncompressed = "SELECT 1 FROM DigestUncompressedPairs WHERE uncompressedDigest = ? LIMIT 1";
    return this.#database.read(asUncompressed, digest).length > 0 ? digest : undefined;
  }

  listDigests(uncompressed: Digest): Iterable<Digest> {
    const query =
      `SELECT anyDigest AS found FROM DigestUncompressedPairs WHERE uncompressedDigest = ? LIMIT ${MAX_ROWS}`;
    const digests = new Set(this.#memory.listDigests(uncompressed));
    for (const { found } of this.#database.read(query, uncompressed)) {
      const digest = readDigest(found);
      if (digest) digests.add(digest);
    }
    return digests;
  }

  findCompression(digest: Digest): KnownCompression | undefined {
    const recorded = this.#memory.findCompression(digest);
    if (recorded) return recorded;
    const [row] = this.#database.read(
      "SELECT compressor, specificVariantCompressor AS variant, " +
        "substr(specificVariantAnnotations, 1, 65536) AS annotations " +
        "FROM DigestCompressors LEFT JOIN DigestSpecificVariantCompressors USING (digest) WHERE digest = ?",
      digest,
    );
    return row && readCompression(row);
  }

  listLocations(digest: Digest, scope: string): readonly KnownLocation[] {
    const recorded = this.#memory.listLocations(digest, scope);
    const columns = toScopeColumns(scope);
    if (!columns) return recorded;
    const { transport, host } = columns;
    const query =
      `SELECT location, time FROM KnownLocations WHERE transport = ? AND scope = ? AND digest = ? LIMIT ${MAX_ROWS}`;
    const known = new Map<string, KnownLocation>();
    for (const row of this.#database.read(query, transport, host, digest)) {
      const location = readRepository(row.location, host);
      if (location) known.set(location, { scope, location, time: readTime(row.time) });
    }
    for (const location of recorded) known.set(location.location, location);
    return [...known.values()];
  }

  recordUncompressed(digest: Digest, uncompressed: Digest): void {
    this.#memory.recordUncompressed(digest, uncompressed);
    this.#change(
      "INSERT OR REPLACE INTO DigestUncompressedPairs(anyDigest, uncompressedDigest) VALUES (?, ?)",
      digest,
      uncompressed,
    );
    if (digest !== uncompressed) this.#flushSoon();
  }

  recordCompression(digest: Digest, compression: KnownCompression): void {
    this.#memory.recordCompression(digest, compression);
    const [base, variant, annotations] = toCompressionColumns(compression);
    this.#change("INSERT OR REPLACE INTO DigestCompressors(digest, compressor) VALUES (?, ?)", digest, base);
    if (variant === undefined || annotations === undefined) {
      // Another process may have recorded a variant of the same algorithm, which is more precise.
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
    this.#memory.recordLocation(known, digest);
    const columns = toScopeColumns(known.scope);
    if (!columns) return;
    this.#change(
      "INSERT OR REPLACE INTO KnownLocations(transport, scope, digest, location, time) VALUES (?, ?, ?, ?, ?)",
      columns.transport,
      columns.host,
      digest,
      `${columns.host}/${known.location}`,
      toTimeColumn(known.time),
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

  /** Writes at the end of this turn of the event loop, so that changes of one turn share a transaction. */
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
