import { startTimer } from "./timer.ts";

/** Limits of the reads of a stream. */
export interface ReadLimits {
  /** Maximum time that the source may take for a chunk, and the error for a slower one. Default: no limit. */
  timeout?: { milliseconds: number; error(): Error };
  /**
   * Aborts a read at once with the signal's reason, even if the source is stalled. The signal of the source is not
   * enough: a custom `fetch` may ignore it, and Deno's ignores it once the `Request` is garbage-collected.
   */
  signal?: AbortSignal | undefined;
}

/**
 * Rejects the read of a stream that waits when the source stalls or the signal aborts. It has one timer and one listener
 * for the whole stream: those of each read cost a sixth of the CPU time of a transfer.
 */
export class ReadGuard {
  readonly #signal: AbortSignal | undefined;
  readonly #timeout: ReadLimits["timeout"];
  #stopTimer: (() => void) | undefined;
  /** Rejects the read that waits. */
  #reject: ((error: unknown) => void) | undefined;
  /** When this read began, in milliseconds. */
  #since = 0;
  readonly #abort = () => this.#reject?.(this.#signal!.reason);

  constructor({ signal, timeout }: ReadLimits) {
    this.#signal = signal;
    this.#timeout = timeout;
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Follows a read of the source, unless it stalls or the signal aborts first. */
  async wait<T>(read: Promise<T>): Promise<T> {
    if (!this.#signal && !this.#timeout) return await read;
    try {
      return await new Promise((resolve, reject) => {
        this.#reject = reject;
        if (this.#timeout) {
          this.#since = performance.now();
          this.#stopTimer ??= startTimer(this.#timeout.milliseconds, () => this.#check());
        }
        read.then(resolve, reject);
        if (this.#signal?.aborted) reject(this.#signal.reason);
      });
    } finally {
      this.#reject = undefined;
    }
  }

  /** Removes the timer and the listener. Called at the end of the stream. */
  end(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  /** Looks whether the read that waits takes too long; otherwise, looks again when it would. */
  #check(): void {
    this.#stopTimer = undefined;
    // Between two reads, nobody waits: the next one sets the timer again.
    if (!this.#reject) return;
    const { milliseconds, error } = this.#timeout!;
    const left = this.#since + milliseconds - performance.now();
    if (left < 1) this.#reject(error());
    else this.#stopTimer = startTimer(left, () => this.#check());
  }
}
