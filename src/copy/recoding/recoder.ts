import { canDecompress, CompressionError, UnsupportedCompressionError } from "../../internal/compression/room.ts";
import type { ByteStream } from "../../internal/room.ts";
import { type Descriptor, type Digest, ManifestsError, UNKNOWN_SIZE } from "../../spec/room.ts";
import { type Recoded, recodeHere, type Recoding } from "./pipeline.ts";
import { openWorkers, type RecodingWorker } from "./recoding_worker.ts";

/** Layers below this size, in bytes, are done before a worker has started. */
const MIN_FOR_WORKERS = 512 * 1024;

/** How many blocks of one stream may be under way per worker, so that none of them waits for the next one. */
const BLOCKS_PER_WORKER = 2;

/** Compresses layers anew, outside of this thread where that can be. Dispose it when no stream of it is read any more. */
export interface Recoder extends Disposable {
  /**
   * Compresses a stream anew while it is read.
   *
   * @param layer What comes in; `UNKNOWN_SIZE` counts as much.
   * @throws {ManifestsError} With code `COMPRESSION_NOT_SUPPORTED` where nothing here can read the compression, and the
   * stream is still the caller's; while it is read, the same where this runtime cannot compress, and `ARCHIVE_INVALID`
   * where the bytes are not what they should be.
   */
  recode(stream: ByteStream, recoding: Recoding, layer: Pick<Descriptor, "digest" | "size">): Promise<Recoded>;
}

/** A recoder with a worker per processor. They are started when they are first needed, and ended with the recoder. */
export function createRecoder(open: OpenWorkers = openWorkers): Recoder {
  return new WorkerRecoder(open);
}

/** Starts up to so many workers. */
type OpenWorkers = (count: number) => Promise<RecodingWorker[]>;

class WorkerRecoder implements Recoder {
  readonly #openWorkers: OpenWorkers;
  #workers: Promise<RecodingWorker[]> | undefined;
  #disposed = false;

  constructor(open: OpenWorkers) {
    this.#openWorkers = open;
  }

  async recode(
    stream: ByteStream,
    recoding: Recoding,
    { digest, size }: Pick<Descriptor, "digest" | "size">,
  ): Promise<Recoded> {
    if (recoding.decompress && !canDecompress(recoding.decompress)) {
      throw new ManifestsError(
        "COMPRESSION_NOT_SUPPORTED",
        `Cannot compress layer ${digest} anew as nothing here can decompress ${recoding.decompress}`,
      );
    }
    const small = size !== UNKNOWN_SIZE && size < MIN_FOR_WORKERS;
    const workers = small || !recoding.compress ? [] : await this.#open();
    const recoded = recodeWith(workers, stream, recoding);
    return { ...recoded, stream: explained(recoded.stream, digest) };
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#workers?.then((workers) => workers.forEach((worker) => worker.terminate()));
  }

  #open(): Promise<RecodingWorker[]> {
    return this.#workers ??= this.#openWorkers(globalThis.navigator?.hardwareConcurrency ?? 0).then((workers) => {
      if (this.#disposed) workers.forEach((worker) => worker.terminate());
      return workers;
    });
  }
}

/** gzip is made of blocks, for which all workers are used; zstd, by the one with the least to do. */
function recodeWith(workers: readonly RecodingWorker[], stream: ByteStream, recoding: Recoding): Recoded {
  const alive = () => workers.filter(({ isAlive }) => isAlive);
  const idlest = () => {
    const [first, ...others] = alive();
    if (!first) throw new Error("Cannot compress in a worker: all of them have ended");
    return others.reduce((a, b) => b.jobs < a.jobs ? b : a, first);
  };
  if (alive().length === 0) return recodeHere(stream, recoding);
  if (recoding.compress?.algorithm !== "gzip") return idlest().recode(stream, recoding);
  return recodeHere(stream, recoding, {
    deflate: async (block) => await idlest().deflate(block),
    ahead: alive().length * BLOCKS_PER_WORKER,
  });
}

/** Gives broken layers a code. */
function explained(stream: ByteStream, digest: Digest): ByteStream {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (cause) {
        if (!(cause instanceof CompressionError)) throw cause;
        const code = cause instanceof UnsupportedCompressionError ? "COMPRESSION_NOT_SUPPORTED" : "ARCHIVE_INVALID";
        throw new ManifestsError(code, `Cannot read layer ${digest}: ${cause.message}`, { cause });
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
