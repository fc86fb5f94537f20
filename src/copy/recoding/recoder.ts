import {
  canDecompress,
  CompressionError,
  type DeflateBlock,
  UnsupportedCompressionError,
} from "../../internal/compression/room.ts";
import type { BlobIdentity } from "../../image/room.ts";
import type { ByteStream } from "../../internal/room.ts";
import { type Digest, ManifestsError, UNKNOWN_SIZE } from "../../spec/room.ts";
import { type Recoded, recodeInThread, type Recoding } from "./pipeline.ts";
import { openWorkers, type RecodingWorker } from "./recoding_worker.ts";

/** Layers below this size, in bytes, are recoded in this thread: that takes less time than to start a worker. */
const MIN_FOR_WORKERS = 512 * 1024;

/** Maximum number of pending blocks of one stream per worker: with two, a worker never waits for its next block. */
const BLOCKS_PER_WORKER = 2;

/** Recompresses layers, in workers if possible. Dispose it after all of its streams have ended. */
export interface Recoder extends Disposable {
  /**
   * Recompresses a stream while it is read.
   *
   * @param layer Descriptor against which the stream is verified; an unknown size is treated as a large one.
   * @throws {ManifestsError} With code `COMPRESSION_NOT_SUPPORTED` if the input cannot be decompressed; then the caller
   * must cancel the stream. Errors of the returned stream: `COMPRESSION_NOT_SUPPORTED` if this runtime cannot compress
   * with the algorithm, `ARCHIVE_INVALID` if the input is damaged.
   */
  recode(stream: ByteStream, recoding: Recoding, layer: BlobIdentity): Promise<Recoded>;
}

/** Creates a recoder with one worker per processor, started on first use and terminated on disposal. */
export function createRecoder(open: OpenWorkers = openWorkers): Recoder {
  return new WorkerRecoder(open);
}

/** Starts up to `count` workers. */
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
    layer: BlobIdentity,
  ): Promise<Recoded> {
    const { digest, size } = layer;
    if (recoding.decompress && !canDecompress(recoding.decompress)) {
      throw new ManifestsError(
        "COMPRESSION_NOT_SUPPORTED",
        `Cannot recompress layer ${digest}: this runtime cannot decompress ${recoding.decompress}`,
      );
    }
    const small = size !== UNKNOWN_SIZE && size < MIN_FOR_WORKERS;
    const workers = small || !recoding.compress ? [] : await this.#open();
    const recoded = recodeWith(workers, stream, recoding, layer);
    return { ...recoded, stream: withErrorCodes(recoded.stream, digest) };
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

/** Recodes a stream in workers: the blocks of gzip in all of them, zstd in the one with the fewest jobs. */
function recodeWith(
  workers: readonly RecodingWorker[],
  stream: ByteStream,
  recoding: Recoding,
  input: BlobIdentity,
): Recoded {
  const alive = () => workers.filter(({ isAlive }) => isAlive);
  const chooseWorker = () => {
    const [first, ...others] = alive();
    if (!first) throw new Error("Cannot compress in a worker: all workers have failed");
    return others.reduce((a, b) => b.jobs < a.jobs ? b : a, first);
  };
  if (alive().length === 0) return recodeInThread(stream, recoding, { input });
  if (recoding.compress?.algorithm !== "gzip") return chooseWorker().recode(stream, recoding, input);
  const blocks = {
    deflate: async (block: DeflateBlock) => await chooseWorker().deflate(block),
    ahead: alive().length * BLOCKS_PER_WORKER,
  };
  return recodeInThread(stream, recoding, { input, blocks });
}

/** Converts compression errors of a stream to errors with a code and the digest of the layer. */
function withErrorCodes(stream: ByteStream, digest: Digest): ByteStream {
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
