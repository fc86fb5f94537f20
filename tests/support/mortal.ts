/** Parts that fail at a step, or with which everything ends there. */
import { abortable } from "../../src/internal/room.ts";
import type { Fetch } from "../../src/internal/room.ts";
import { ManifestsError } from "../../src/spec/room.ts";
import type { Kv, KvAtomic } from "../../src/store/kv/room.ts";

/** What happens at the step: the process is no more, before it or after it is done; or the step fails, so or so. */
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
    throw new ManifestsError("REGISTRY_ERROR", "Cannot go on as a test wants it so");
  }

  /** A `fetch` whose requests are steps. What waits for them in vain can be ended: nothing is left of the dead. */
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
