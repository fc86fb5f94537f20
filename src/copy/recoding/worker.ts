/// <reference lib="deno.worker" />
/** Entry point of the workers of {@linkcode Recoder}: recodes streams in a separate thread. */
import { BlockDeflater } from "../../internal/compression/room.ts";
import { readChunks } from "../../internal/room.ts";
import { recodeInThread } from "./pipeline.ts";
import { CREDITS, JobStream } from "../../internal/worker/room.ts";
import { type FromWorker, toFailure, type ToWorker } from "./protocol.ts";

/** A stream that this worker recodes. */
class Job {
  readonly #number: number;
  readonly #input: JobStream;
  #credits = CREDITS;
  #wake = () => {};
  #cancelled = false;

  constructor(number: number) {
    this.#number = number;
    this.#input = new JobStream(() => send({ job: number, type: "more" }));
  }

  async run({ recoding, layer }: ToWorker & { type: "start" }): Promise<void> {
    try {
      const recoded = recodeInThread(this.#input.stream, recoding, { input: layer });
      for await (const chunk of readChunks(recoded.stream)) {
        if (this.#credits === 0) await new Promise<void>((resolve) => this.#wake = resolve);
        if (this.#cancelled) return;
        this.#credits--;
        // Not the chunk itself: other code may still use its buffer. Not `slice`: for a `Buffer` of `node:zlib`, it returns
        // a view of the same memory.
        const bytes = new Uint8Array(chunk);
        send({ job: this.#number, type: "output", bytes }, [bytes.buffer]);
      }
      send({ job: this.#number, type: "done", measured: recoded.measured() });
    } catch (error) {
      if (!this.#cancelled) sendFailure(this.#number, error);
    }
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case "input":
        return this.#input.receive(message.bytes);
      case "end":
        return this.#input.end();
      case "more":
        this.#credits++;
        return this.#wake();
      case "cancel":
        this.#cancelled = true;
        this.#input.cancel();
        return this.#wake();
    }
  }
}

function send(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

function sendFailure(job: number, error: unknown): void {
  send({ job, type: "failed", failure: toFailure(error) });
}

const deflater = new BlockDeflater();

async function deflate({ job, block }: ToWorker & { type: "deflate" }): Promise<void> {
  try {
    const { bytes, spare } = await deflater.deflate(block);
    send({ job, type: "deflated", bytes, spare }, [bytes.buffer, ...spare ? [spare] : []]);
  } catch (error) {
    sendFailure(job, error);
  }
}

const jobs = new Map<number, Job>();

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "deflate") return void deflate(data);
  if (data.type !== "start") return jobs.get(data.job)?.receive(data);
  const job = new Job(data.job);
  jobs.set(data.job, job);
  job.run(data).finally(() => jobs.delete(data.job));
});

send({ type: "ready" });
