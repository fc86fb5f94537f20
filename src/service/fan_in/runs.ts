import type { Digest } from "../../spec/room.ts";
import { changeRecord, Database, type Decision, type Kv, type KvEntry, type KvKey } from "../../kv/room.ts";
import type { Plan, Report, Run } from "./run.ts";

/** What is known of a tag across runs. */
interface Tag {
  /** How many runs have begun. */
  readonly runs: number;
  /** What the latest ones publish, and when they had begun among the others. */
  readonly releases: readonly Release[];
}

/** An index that a run publishes. */
export interface Release {
  /** {@linkcode Run.order} of the run. */
  readonly order: number;
  /** Its digest. */
  readonly digest: Digest;
}

/** How many releases of a tag are remembered: of runs that overlap. */
const MAX_RELEASES = 32;
/** How many runs are forgotten when one begins, at most. */
const MAX_FORGOTTEN = 16;

/** What {@linkcode Runs} needs. */
export interface RunsOptions {
  /** The database. */
  readonly kv: Kv;
  /** The keys below which they are. */
  readonly prefix: KvKey;
  /** For how long a run is remembered, in milliseconds. */
  readonly lifetime: number;
  /** What the time is. */
  readonly now: () => number;
}

/** Runs in a KV database, one record each; what concerns several of them is changed together with one. */
export class Runs {
  readonly #db: Database;
  readonly #options: RunsOptions;

  /** Nothing is read yet. */
  constructor(options: RunsOptions) {
    this.#db = new Database(options.kv);
    this.#options = options;
  }

  /** The run, unless there is none or its time is over. */
  async find(target: string, run: string): Promise<Run | undefined> {
    return this.#living(await this.#db.get<Run>(this.#runKey(target, run)));
  }

  /** Changes the run of a report, which may be the first one; `change` throws to leave it as it is. */
  async report(report: Report, change: (run: Run) => Run): Promise<Run> {
    const { target, run: name, expected, annotations } = report;
    const key = this.#runKey(target, name);
    let began = false;
    const decide = async (value: Run | undefined): Promise<Decision<Run>> => {
      const there = this.#living({ value });
      began = !there;
      if (there) return { record: change(there) };
      const tag = await this.#db.get<Tag>(this.#tagKey(target));
      const { runs, releases } = tag.value ?? { runs: 0, releases: [] };
      const expires = this.#options.now() + this.#options.lifetime;
      const first = { target, run: name, expected, annotations, reports: {}, order: runs + 1, expires };
      return {
        record: change({ ...first, state: "collecting" }),
        checks: [tag],
        sets: [[tag.key, { runs: runs + 1, releases }], [[...this.#expiryKey(expires), target, name], true]],
      };
    };
    const changed = await changeRecord<Run>(this.#db, key, { decide });
    if (began) await this.#forgetOld();
    return changed!;
  }

  /** Changes a run that is there; `undefined` where there is none. `change` may return it as it is. */
  async change({ target, run }: Pick<Run, "target" | "run">, change: (run: Run) => Run): Promise<Run | undefined> {
    const decide = (value: Run | undefined): Decision<Run> => {
      const there = this.#living({ value });
      return { record: there && change(there) };
    };
    return await changeRecord<Run>(this.#db, this.#runKey(target, run), { decide });
  }

  /**
   * Writes down what publishing a run means, for the run and for the others of its tag. `change` throws where that must
   * not be, as where the run, of which it is told as it is by now, is `undefined`: forgotten.
   */
  async plan({ target, run, order }: Run, plan: Plan, change: (run: Run | undefined) => Run): Promise<void> {
    const decide = async (value: Run | undefined): Promise<Decision<Run>> => {
      const there = change(this.#living({ value }));
      const tag = await this.#db.get<Tag>(this.#tagKey(target));
      const { runs, releases } = tag.value ?? { runs: order, releases: [] };
      const others = releases.filter((release) => release.order !== order);
      const next: Tag = { runs, releases: [...others, { order, digest: plan.digest }].slice(-MAX_RELEASES) };
      return { record: { ...there, plan }, checks: [tag], sets: [[tag.key, next]] };
    };
    await changeRecord<Run>(this.#db, this.#runKey(target, run), { decide });
  }

  /** What the latest runs of a tag publish. */
  async releases(target: string): Promise<readonly Release[]> {
    return (await this.#db.get<Tag>(this.#tagKey(target))).value?.releases ?? [];
  }

  #living({ value }: { value: Run | null | undefined }): Run | undefined {
    return value && value.expires > this.#options.now() ? value : undefined;
  }

  /** Deletes runs whose time is over. What goes wrong with that may go right next time. */
  async #forgetOld(): Promise<void> {
    try {
      const range = { start: this.#expiryKey(0), end: this.#expiryKey(this.#options.now()) };
      for (const entry of await this.#db.list(range, { limit: MAX_FORGOTTEN })) await this.#forget(entry);
    } catch {
      // The report that began the run is there.
    }
  }

  async #forget({ key }: KvEntry): Promise<void> {
    const [target, name] = key.slice(-2) as [string, string];
    const run = await this.#db.get<Run>(this.#runKey(target, name));
    // One of the same name may have begun since then.
    const deletes = run.value && !this.#living(run) ? [key, run.key] : [key];
    await this.#db.commit({ checks: [run], deletes });
  }

  #runKey(target: string, run: string): KvKey {
    return [...this.#options.prefix, "run", target, run];
  }

  #tagKey(target: string): KvKey {
    return [...this.#options.prefix, "tag", target];
  }

  #expiryKey(time: number): KvKey {
    return [...this.#options.prefix, "expiry", time];
  }
}
