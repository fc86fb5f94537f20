import type { ByteStream } from "../../internal/room.ts";
import { copyForTransfer } from "./protocol.ts";

/** Receiver of the stream that {@linkcode JobInput} reads. */
export interface InputReceiver {
  /** Receives a chunk, whose buffer may be transferred to a worker. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Called at the end of the stream. */
  end(): void;
  /** Called with the error if the stream fails. */
  fail(error: unknown): void;
}

/** Feeds a stream to a worker, chunk by chunk as the worker requests them. */
export class JobInput {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #peer: InputReceiver;
  #requested = 0;
  #sending = false;
  #over = false;

  constructor(stream: ByteStream, peer: InputReceiver) {
    this.#reader = stream.getReader();
    this.#peer = peer;
  }

  /** Called when the worker can receive one more chunk. */
  more(): void {
    this.#requested++;
    if (!this.#sending && !this.#over) this.#pump();
  }

  /** Cancels the stream, even during a pending read. Never rejects. */
  async cancel(reason?: unknown): Promise<void> {
    this.#over = true;
    await this.#reader.cancel(reason).catch(() => {});
  }

  async #pump(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#requested > 0 && !this.#over) {
        const { done, value } = await this.#reader.read();
        if (this.#over) return;
        if (done) {
          this.#over = true;
          this.#peer.end();
        } else {
          this.#requested--;
          this.#peer.send(copyForTransfer(value));
        }
      }
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      this.#peer.fail(error);
    } finally {
      this.#sending = false;
    }
  }
}

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
