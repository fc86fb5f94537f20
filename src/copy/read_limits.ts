import { MAX_INDEX_DEPTH } from "../image/room.ts";
import { type Digest, ManifestsError } from "../spec/room.ts";

/** Maximum number of manifests that the list does not name directly and that are read or evaluated again. */
const MAX_NESTED = 10_000;
/** Maximum size of all manifests together, in bytes: they are kept in memory. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Counts what is read of one tree, which a hostile index could make endless. */
export class ReadLimits {
  #nested = 0;
  #bytes = 0;

  /**
   * Counts a manifest that is read, or evaluated once more, `depth` levels below the top.
   *
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED`.
   */
  countManifest(instance: Digest, depth: number): void {
    if (depth > MAX_INDEX_DEPTH) throw limitExceeded(instance, `more than ${MAX_INDEX_DEPTH} levels below it`);
    if (depth > 1 && ++this.#nested > MAX_NESTED) {
      throw limitExceeded(instance, `more than ${MAX_NESTED} manifests below it`);
    }
  }

  /**
   * Counts the bytes of a manifest.
   *
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED`.
   */
  countBytes(instance: Digest, bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_BYTES) throw limitExceeded(instance, `more than ${MAX_BYTES} bytes of manifests`);
  }
}

function limitExceeded(instance: Digest, problem: string): ManifestsError {
  return new ManifestsError("LIMIT_EXCEEDED", `Cannot copy ${instance}: the list has ${problem}`);
}
