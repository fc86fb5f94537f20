import type { DeflateBlock, DeflatedBlock } from "../../internal/compression/room.ts";
import type { ByteStream } from "../../internal/room.ts";
import { JobInput, startWorker } from "../../internal/worker/room.ts";
import { JobOutput } from "./job_output.ts";
import type { BlobIdentity } from "../../image/room.ts";
import type { Measured, Recoded, Recoding } from "./pipeline.ts";
import { type FromWorker, toError, type ToWorker } from "./protocol.ts";

const WORKER_URL = new URL("./worker.ts", import.meta.url);
const ROOT = new URL("../../..", WORKER_URL);
/** Whether this is a bundle: then `worker.ts` does not exist next to this module, or belongs to another program. */
const IS_BUNDLED = !import.meta.url.endsWith("/recoding_worker.ts");

/**
 * Starts workers. Returns fewer or none if the runtime does not support workers, the program may not read their file, or
 * this is a bundle. Never prompts for a permission.
 */
export async function openWorkers(count: number): Promise<RecodingWorker[]> {
  if (IS_BUNDLED) return [];
  const started = await Promise.all(Array.from({ length: count }, () => startWorker(WORKER_URL, ROOT)));
  return started.filter((worker) => worker !== undefined).map((worker) => new RecodingWorker(worker));
}

/** A job of a worker, as the main thread sees it. */
interface WorkerJob {
  receive(message: FromWorker): void;
  fail(error: unknown): void;
}

/** A worker that accepts jobs. */
export class RecodingWorker {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, WorkerJob>();
  #lastJob = 0;
  #isAlive = true;

  /** Takes over a worker that is ready. */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type !== "ready") this.#jobs.get(data.job)?.receive(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#isAlive = false;
      this.terminate();
      for (const job of this.#jobs.values()) job.fail(new Error(`Cannot compress in a worker: ${event.message}`));
    };
  }

  /** Whether the worker accepts jobs: after an uncaught error, it no longer answers. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Number of jobs that are not finished. */
  get jobs(): number {
    return this.#jobs.size;
  }

  /** Terminates the worker, even during jobs. */
  terminate(): void {
    this.#worker.terminate();
  }

  /** Compresses one block of a gzip stream. */
  async deflate(block: DeflateBlock): Promise<DeflatedBlock> {
    const job = ++this.#lastJob;
    try {
      return await new Promise<DeflatedBlock>((resolve, reject) => {
        this.#jobs.set(job, {
          fail: reject,
          receive(message) {
            if (message.type === "deflated") resolve(message);
            else if (message.type === "failed") reject(toError(message.failure));
          },
        });
        this.#send({ job, type: "deflate", block }, [block.bytes.buffer]);
      });
    } finally {
      this.#jobs.delete(job);
    }
  }

  /** Recompresses a stream while it is read. */
  recode(stream: ByteStream, recoding: Recoding, layer: BlobIdentity): Recoded {
    const job = ++this.#lastJob;
    let measured: Measured | undefined;
    const output = new JobOutput({
      more: () => this.#send({ job, type: "more" }),
      cancel: () => {
        this.#jobs.delete(job);
        this.#send({ job, type: "cancel" });
      },
    });
    const input = new JobInput(stream, {
      send: (bytes) => this.#send({ job, type: "input", bytes }, [bytes.buffer]),
      end: () => this.#send({ job, type: "end" }),
      fail: (error) => output.fail(error),
    });
    this.#jobs.set(job, {
      fail: (error) => output.fail(error),
      receive: (message) => {
        if (message.type === "more") return input.more();
        if (message.type === "output") return output.receive(message.bytes);
        this.#jobs.delete(job);
        if (message.type === "failed") return output.fail(toError(message.failure));
        if (message.type === "done") measured = message.measured;
        output.end();
      },
    });
    this.#send({ job, type: "start", recoding, layer });
    return {
      stream: output.stream((reason) => input.cancel(reason)),
      measured() {
        if (!measured) throw new Error("Cannot measure the stream: it has not ended");
        return measured;
      },
    };
  }

  #send(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
