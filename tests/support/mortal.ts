/** Parts that fail at a step, or with which everything ends there. */
import { abortable } from "../../src/internal/room.ts";
import type { Fetch } from "../../src/internal/room.ts";
import { ManifestsError } from "../../src/spec/room.ts";
import type { Kv, KvAtomic } from "../../src/store/kv/room.ts";

/** Fate of a step: the process dies before or after it, or the step fails before or after it takes effect. */
export const FATES = ["dies before", "dies after", "fails before", "fails after"] as const;

/** Counts steps, and lets one of them be the last, or fail. */
export class Fate {
  steps = 0;

  /** `die` is how everything ends. */
  constructor(
    readonly at: number,
    readonly fate: (typeof FATES)[number],
    readonly die: () => Promise<never> = () => new Promise(() => {}),
  ) {}

  /** Whether the step has come. */
  get isMet(): boolean {
    return this.steps >= this.at;
  }

  /** Does a step as fate will have it. */
  async step<T>(work: () => Promise<T>): Promise<T> {
    const step = ++this.steps;
    const dies = this.fate.startsWith("dies");
    if (step < this.at || (step > this.at && !dies)) return await work();
    if (step === this.at && this.fate.endsWith("after")) await work();
    if (dies) return await this.die();
    throw new ManifestsError("REGISTRY_ERROR", "Cannot send the request: the test fails this step");
  }

  /** A `fetch` whose requests are steps. After the death, pending requests are aborted. */
  fetch(fetch: Fetch): Fetch {
    return (request) => abortable(this.step(() => fetch(request)), request.signal);
  }

  /** A database whose reads and commits are steps. */
  kv(kv: Kv): Kv {
    const step = <T>(work: () => Promise<T>) => this.step(work);
    return {
      getMany: (keys) => step(() => kv.getMany(keys)),
      async *list(...args: Parameters<Kv["list"]>) {
        yield* await step(() => Array.fromAsync(kv.list(...args)));
      },
      atomic() {
        const atomic: KvAtomic = kv.atomic();
        const commit = atomic.commit.bind(atomic);
        atomic.commit = () => step(commit);
        return atomic;
      },
    };
  }
}
