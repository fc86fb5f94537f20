import { BlockReader } from "../blocks.ts";
import type { ByteStream } from "../streams.ts";

/** Size of the chunks that are sent to a worker, in bytes. Each message costs some 20 µs on both sides. */
const CHUNK_SIZE = 256 * 1024;

/** Maximum number of chunks that are in transit or queued, in each direction. */
export const CREDITS = 4;

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
  readonly #blocks: BlockReader;
  readonly #peer: InputReceiver;
  #requested = 0;
  #sending = false;
  #over = false;

  constructor(stream: ByteStream, peer: InputReceiver) {
    this.#blocks = new BlockReader(stream, CHUNK_SIZE);
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
    await this.#blocks.cancel(reason);
  }

  async #pump(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#requested > 0 && !this.#over) {
        const block = await this.#blocks.next();
        if (this.#over) return;
        if (block) {
          this.#requested--;
          this.#peer.send(block);
        } else {
          this.#over = true;
          this.#peer.end();
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
