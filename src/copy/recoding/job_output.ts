import type { ByteStream } from "../../internal/room.ts";

/** Sender of the chunks that {@linkcode JobOutput} receives. */
export interface OutputSender {
  /** Requests one more chunk from the worker. */
  more(): void;
  /** Cancels the job: no more chunks are needed. */
  cancel(): void;
}

/** The output of a worker as a stream. */
export class JobOutput {
  readonly #peer: OutputSender;
  readonly #ready: Uint8Array<ArrayBuffer>[] = [];
  #failure: { error: unknown } | undefined;
  #ended = false;
  #wake = () => {};

  constructor(peer: OutputSender) {
    this.#peer = peer;
  }

  /** Called with each chunk of output. */
  receive(bytes: Uint8Array<ArrayBuffer>): void {
    this.#ready.push(bytes);
    this.#wake();
  }

  /** Called at the end of the output. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Called with the error if the job fails; chunks that were not read yet are dropped. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Returns the stream. If it is cancelled or fails, `stopInput` is called, which must not reject. */
  stream(stopInput: (reason: unknown) => Promise<void>): ByteStream {
    return new ReadableStream({
      pull: async (controller) => {
        while (this.#ready.length === 0 && !this.#ended && !this.#failure) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
        if (this.#failure) {
          this.#peer.cancel();
          await stopInput(this.#failure.error);
          throw this.#failure.error;
        }
        const next = this.#ready.shift();
        if (!next) return controller.close();
        this.#peer.more();
        controller.enqueue(next);
      },
      cancel: async (reason) => {
        this.#peer.cancel();
        await stopInput(reason);
      },
    }, { highWaterMark: 0 });
  }
}
