import type { ByteStream } from "../../../internal/room.ts";
import { JobInput, startWorker } from "../../../internal/worker/room.ts";
import { UNKNOWN_SIZE } from "../../../spec/room.ts";
import { type FromLayerWorker, toError, type ToLayerWorker } from "./layer_protocol.ts";
import { type LayerFacts, type LayerJob, prepareLayer } from "./prepare_layer.ts";

/** Layers below this size, in bytes, are prepared in this thread: that takes less time than to start a worker. */
const MIN_FOR_WORKERS = 1024 * 1024;

const WORKER_URL = new URL("./layer_worker.ts", import.meta.url);
const ROOT = new URL("../../../..", WORKER_URL);
/** Whether this is a bundle: then `layer_worker.ts` does not exist next to this module. */
const IS_BUNDLED = !import.meta.url.endsWith("/layer_workers.ts");

/** A worker, as it is started on demand, with the number of its jobs. */
interface Slot {
  readonly worker: Promise<LayerWorker | undefined>;
  jobs: number;
}

/**
 * Prepares layers in other threads if possible: at most one per processor, which are started when they are needed.
 * Disposing terminates them; no job may be left.
 */
export class LayerWorkers implements Disposable {
  readonly #slots: Slot[] = [];
  readonly #count: number;
  readonly #start: () => Promise<Worker | undefined>;

  /**
   * @param count Maximum number of workers. Default: one per processor; none if there is only one.
   * @param start Starts a worker. Default: one of this module.
   */
  constructor(count: number = navigator.hardwareConcurrency, start = () => startWorker(WORKER_URL, ROOT)) {
    this.#count = IS_BUNDLED || count < 2 ? 0 : count;
    this.#start = start;
  }

  /**
   * Prepares a layer. When it settles, no thread has files of the layer open.
   *
   * @param size Size of the stream in bytes, or `UNKNOWN_SIZE`.
   * @throws {ManifestsError} See {@linkcode prepareLayer}.
   */
  async prepare(stream: ByteStream, job: LayerJob, size: number): Promise<LayerFacts> {
    const slot = size !== UNKNOWN_SIZE && size < MIN_FOR_WORKERS ? undefined : this.#choose();
    if (!slot) return await prepareLayer(stream, job);
    slot.jobs++;
    try {
      const worker = await slot.worker;
      return worker?.isAlive ? await worker.prepare(stream, job) : await prepareLayer(stream, job);
    } finally {
      slot.jobs--;
    }
  }

  [Symbol.dispose](): void {
    for (const { worker } of this.#slots) worker.then((worker) => worker?.terminate());
  }

  /** Returns an idle worker, a new one, or the one with the fewest jobs. */
  #choose(): Slot | undefined {
    const least = this.#slots.toSorted((a, b) => a.jobs - b.jobs)[0];
    if (least?.jobs === 0 || this.#slots.length >= this.#count) return least;
    const worker = this.#start().then((worker) => worker && new LayerWorker(worker));
    const slot: Slot = { worker, jobs: 0 };
    this.#slots.push(slot);
    return slot;
  }
}

/** The job of a worker, as the main thread sees it. */
interface Job {
  receive(message: FromLayerWorker): void;
  fail(error: unknown): void;
}

/** A worker that accepts jobs. */
class LayerWorker {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Job>();
  #lastJob = 0;
  /** Whether the worker accepts jobs: after an uncaught error, it no longer answers. */
  isAlive = true;

  /** Takes over a worker that is ready. */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromLayerWorker>) => {
      if (data.type !== "ready") this.#jobs.get(data.job)?.receive(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.isAlive = false;
      this.terminate();
      for (const job of this.#jobs.values()) job.fail(new Error(`Cannot unpack in a worker: ${event.message}`));
    };
  }

  async prepare(stream: ByteStream, layer: LayerJob): Promise<LayerFacts> {
    const job = ++this.#lastJob;
    const send = (message: ToLayerWorker, transfer: Transferable[] = []) => this.#worker.postMessage(message, transfer);
    const { promise, resolve, reject } = Promise.withResolvers<LayerFacts>();
    let sourceError: { error: unknown } | undefined;
    const input = new JobInput(stream, {
      send: (bytes) => send({ job, type: "input", bytes }, [bytes.buffer]),
      end: () => send({ job, type: "end" }),
      // The worker answers when it has closed its files.
      fail(error) {
        sourceError = { error };
        send({ job, type: "cancel" });
      },
    });
    this.#jobs.set(job, {
      fail: reject,
      receive(message) {
        if (message.type === "more") input.more();
        else if (message.type === "done") resolve(message.facts);
        else if (message.type === "failed") reject(sourceError ? sourceError.error : toError(message.failure));
      },
    });
    send({ job, type: "start", layer });
    try {
      return await promise;
    } catch (error) {
      await input.cancel(error);
      throw error;
    } finally {
      this.#jobs.delete(job);
    }
  }

  terminate(): void {
    this.#worker.terminate();
  }
}
