import { freeBuffer } from "../bytes.ts";
import { type ByteStream, createStream } from "../streams.ts";
import { CREDITS } from "./job_input.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** The input of a job as a stream in the worker: what {@linkcode JobInput} sends from the main thread. */
export class JobStream {
  /** The stream of the chunks. */
  readonly stream: ByteStream;
  #controller!: ReadableStreamDefaultController<Chunk>;
  #isOver = false;

  /**
   * @param requestMore Requests one more chunk from the main thread.
   * @param options `freesChunks`: the memory of each chunk is freed when the next one is read. Default: when it is
   * garbage-collected, for which up to 64 MB wait.
   */
  constructor(requestMore: () => void, { freesChunks = false }: { freesChunks?: boolean } = {}) {
    const stream = new ReadableStream<Chunk>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: requestMore,
      cancel: () => {
        this.#isOver = true;
      },
    }, { highWaterMark: CREDITS });
    this.stream = freesChunks ? freeChunks(stream) : stream;
  }

  /** Receives a chunk. Those that were already on their way when the job cancelled the stream are dropped. */
  receive(bytes: Chunk): void {
    if (!this.#isOver) this.#controller.enqueue(bytes);
  }

  /** Ends the stream after the chunks that were received. */
  end(): void {
    if (!this.#isOver) this.#controller.close();
  }

  /** Makes the stream fail: its source failed, or its output is not needed. */
  cancel(): void {
    this.#isOver = true;
    this.#controller.error(new Error("cancelled"));
  }
}

function freeChunks(stream: ByteStream): ByteStream {
  const reader = stream.getReader();
  let last: Chunk | undefined;
  const read = async () => {
    const { value } = await reader.read();
    // The last chunk is kept: it may be so short that the reader waited for more.
    if (value && last) freeBuffer(last.buffer);
    return last = value;
  };
  return createStream(read, (reason) => reader.cancel(reason));
}
