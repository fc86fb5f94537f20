import type { ByteStream } from "../../internal/room.ts";
import { transferable } from "./protocol.ts";

/** Where {@linkcode JobInput} brings a stream. */
export interface InputReceiver {
  /** Takes a piece, which is not used here any more. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** There are no more. */
  end(): void;
  /** The stream broke. */
  fail(error: unknown): void;
}

/** Feeds a stream to a worker, piece by piece as it asks for them. */
export class JobInput {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #to: InputReceiver;
  #wanted = 0;
  #sending = false;
  #over = false;

  constructor(stream: ByteStream, to: InputReceiver) {
    this.#reader = stream.getReader();
    this.#to = to;
  }

  /** The worker can take one more piece. */
  more(): void {
    this.#wanted++;
    if (!this.#sending && !this.#over) this.#pump();
  }

  /** Gives the stream up, also while a read of it waits. Never rejects. */
  async cancel(reason?: unknown): Promise<void> {
    this.#over = true;
    await this.#reader.cancel(reason).catch(() => {});
  }

  async #pump(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#wanted > 0 && !this.#over) {
        const { done, value } = await this.#reader.read();
        if (this.#over) return;
        if (done) {
          this.#over = true;
          this.#to.end();
        } else {
          this.#wanted--;
          this.#to.send(transferable(value));
        }
      }
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      this.#to.fail(error);
    } finally {
      this.#sending = false;
    }
  }
}

/** What {@linkcode JobOutput} asks for. */
export interface OutputSender {
  /** One more piece. */
  more(): void;
  /** Nothing any more. */
  cancel(): void;
}

/** What comes back from a worker, as a stream. */
export class JobOutput {
  readonly #to: OutputSender;
  readonly #ready: Uint8Array<ArrayBuffer>[] = [];
  #failure: { error: unknown } | undefined;
  #ended = false;
  #wake = () => {};

  constructor(to: OutputSender) {
    this.#to = to;
  }

  /** A piece has come. */
  receive(bytes: Uint8Array<ArrayBuffer>): void {
    this.#ready.push(bytes);
    this.#wake();
  }

  /** There are no more. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** It failed; what is not read yet is not worth reading. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** The stream; `stopInput` ends what feeds it, and never rejects. */
  stream(stopInput: (reason: unknown) => Promise<void>): ByteStream {
    return new ReadableStream({
      pull: async (controller) => {
        while (this.#ready.length === 0 && !this.#ended && !this.#failure) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
        if (this.#failure) {
          this.#to.cancel();
          await stopInput(this.#failure.error);
          throw this.#failure.error;
        }
        const next = this.#ready.shift();
        if (!next) return controller.close();
        this.#to.more();
        controller.enqueue(next);
      },
      cancel: async (reason) => {
        this.#to.cancel();
        await stopInput(reason);
      },
    }, { highWaterMark: 0 });
  }
}
